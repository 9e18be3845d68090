import { expect, test } from "vitest";
import { EventStreamClient } from "../../support/event-stream.ts";
import { type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

const ROUNDS = 4;
const PIECES = 60;

interface Piece {
  readonly sequence: number;
  readonly n: number;
}

/** Follows one task over restarts, each time behind the last event that it has. */
class Follower {
  readonly seen: Piece[] = [];
  lastId: string | undefined;
  hasEnded = false;
  readonly #agent: TestAgent;
  readonly #taskId: string;

  constructor(agent: TestAgent, taskId: string) {
    this.#agent = agent;
    this.#taskId = taskId;
  }

  async follow(hub: TestHub): Promise<void> {
    const headers = this.lastId === undefined ? {} : { "last-event-id": this.lastId };
    const url = `${hub.http}/tasks/${this.#taskId}/events`;
    const stream = await EventStreamClient.open(url, { token: this.#agent.token, headers });
    expect(stream.response.status).toBe(200);
    await stream.untilEnded();
    for (const { event, id, data } of stream.events) {
      if (event === "error") continue;
      this.lastId = id;
      const { sequence, payload, state } = JSON.parse(data);
      if (event === "event" && typeof payload?.n === "number") this.seen.push({ sequence, n: payload.n });
      this.hasEnded ||= state === "completed";
    }
  }
}

/** Sends a piece until it is accepted: what is repeated changes nothing. */
async function sendPiece(hub: TestHub, worker: TestAgent, taskId: string, n: number): Promise<void> {
  const body = {
    payload: { n },
    artifact: { artifact_id: "numbers", append: true },
    dedupe_key: `piece-${n}`,
    ...(n === PIECES - 1 && { status: "completed" }),
  };
  await until(`piece ${n} is accepted`, async () => {
    try {
      const answer = await hub.call("POST", `/tasks/${taskId}/messages`, { token: worker.token, body });
      return answer.status === 200;
    } catch {
      return false;
    }
  });
}

test("kills in the middle of a stream: whoever follows goes on without a hole or a repeat, and nothing accepted is lost", () =>
  withHub({}, async (hub) => {
    const [caller, worker] = [await hub.join("caller"), await hub.join("worker")];
    const created = await caller.post("/tasks", { to: "worker", payload: "count" });
    const taskId = String(created.field("task_id"));
    const follower = new Follower(caller, taskId);
    let sent = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const isLast = round === ROUNDS - 1;
      const following = follower.follow(hub);
      const end = isLast ? PIECES : Math.ceil((PIECES / ROUNDS) * (round + 1));
      while (sent < end) await sendPiece(hub, worker, taskId, sent++);
      if (!isLast) {
        // The piece under way may be in the log or not: it is sent again.
        const cut = sendPiece(hub, worker, taskId, sent++);
        await hub.kill();
        await hub.start();
        await cut;
      }
      await following;
    }
    expect(follower.hasEnded).toBe(true);
    expect(follower.seen.map(({ n }) => n)).toEqual(Array.from({ length: PIECES }, (_, n) => n));
    expect(follower.seen.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: PIECES }, (_, n) => n + 2),
    );

    const task = await caller.get(`/tasks/${taskId}`);
    expect(task.field("state")).toBe("completed");
    const parts = Object(task.field("artifacts"))[0].parts;
    expect(parts.map(({ data }: { data: { n: number } }) => data.n)).toEqual(follower.seen.map(({ n }) => n));
    // In the caller's inbox each event stands, some of them again after a crash, in order.
    const inbox = await until("the end is in the inbox", async () => {
      const messages = (await caller.get("/messages?limit=500&ack=manual")).messages();
      return messages.some((message) => Object(message).state === "completed") && messages;
    });
    const ids = [...new Map(inbox.map((message) => [message.id, Object(message.payload).n])).values()];
    expect(ids).toEqual(follower.seen.map(({ n }) => n));
  }));

test("what was given to an agent that is away waits in its inbox over a kill", () =>
  withHub({}, async (hub) => {
    const [caller, worker] = [await hub.join("caller"), await hub.join("worker")];
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) {
      const answer = await caller.post("/tasks", { to: "worker", payload: { n }, dedupe_key: `task-${n}` });
      ids.push(String(answer.field("task_id")));
    }
    await hub.kill();
    await hub.start();
    const again = await caller.post("/tasks", { to: "worker", payload: { n: 0 }, dedupe_key: "task-0" });
    expect([again.status, again.field("task_id")]).toEqual([200, ids[0]]);
    const inbox = await until("all are in the inbox", async () => {
      const messages = (await worker.get("/messages?limit=500&ack=manual")).messages();
      return new Set(messages.map((message) => Object(message).task_id)).size === ids.length && messages;
    });
    expect(new Set(inbox.map((message) => Object(message).task_id))).toEqual(new Set(ids));
    expect(inbox.every(({ kind }) => kind === "TASK")).toBe(true);
  }));
