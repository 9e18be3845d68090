import { once } from "node:events";
import { WebSocket } from "ws";
import type { TestAgent, TestHub } from "./hub.ts";

/** A turn of the caller, as the worker finds it in its inbox. */
export interface Turn {
  readonly taskId: string;
  /** What was said: a text, or the parts. */
  readonly said: unknown;
  readonly parts: readonly Record<string, unknown>[];
  /** The first one gives the task. */
  readonly isFirst: boolean;
}

export interface Work {
  readonly turn: Turn;
  /** POST /tasks/:id/messages; nothing when the task is over. @throws when it is refused otherwise */
  update(body: object): Promise<void>;
}

/** Does what a turn asks for. */
export type Script = (work: Work) => Promise<void>;

/** A worker that runs until it is disposed. */
export interface TaskWorker extends AsyncDisposable {
  /** What went wrong, for the test to look at. */
  readonly faults: readonly unknown[];
}

/** Polls its inbox by REST and answers by REST, as somebody who knows only curl. */
export function startRestWorker(agent: TestAgent, script: Script): TaskWorker {
  const stop = new AbortController();
  const faults: unknown[] = [];
  const run = async (): Promise<void> => {
    let cursor = "";
    while (!stop.signal.aborted) {
      try {
        const query = cursor === "" ? "" : `&cursor=${cursor}`;
        const page = await agent.call("GET", `/messages?wait=10${query}`, { signal: stop.signal });
        if (page.status !== 200) throw new Error(`${page.status} ${page.text}`);
        for (const message of page.messages()) await handle(agent, message, script);
        cursor = String(page.field("cursor"));
      } catch (thrown) {
        if (!stop.signal.aborted) faults.push(thrown);
        // A hub that is away for a moment comes back; nobody needs a busy loop until then.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const running = run();
  return {
    faults,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

/** Holds a WebSocket session, and answers by REST. */
export async function startSocketWorker(hub: TestHub, agent: TestAgent, script: Script): Promise<TaskWorker> {
  const faults: unknown[] = [];
  let last: Promise<void> = Promise.resolve();
  const socket = new WebSocket(`${hub.http.replace(/^http/, "ws")}/ws`, ["meshkore.v1.json"]);
  await once(socket, "open");
  const welcomed = once(socket, "message");
  socket.send(JSON.stringify({ hello: { token: agent.token } }));
  socket.on("message", (data: Buffer) => {
    for (const message of JSON.parse(data.toString("utf8")).deliver ?? []) {
      last = last
        .then(() => handle(agent, message, script))
        .catch((thrown: unknown) => void faults.push(thrown));
    }
  });
  await welcomed;
  return {
    faults,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
      await last;
    },
  };
}

async function handle(agent: TestAgent, message: object, script: Script): Promise<void> {
  const { kind, task_id: taskId, message: said } = Object(message);
  if ((kind !== "TASK" && kind !== "TASK_EVENT") || said === undefined) return;
  const turn: Turn = { taskId, said: said.payload, parts: said.parts, isFirst: kind === "TASK" };
  const update = async (body: object): Promise<void> => {
    const answer = await agent.post(`/tasks/${taskId}/messages`, body);
    // It may have been canceled meanwhile: then there is nothing to do any more.
    if (answer.status !== 200 && answer.status !== 409) throw new Error(`${answer.status} ${answer.text}`);
  };
  await script({ turn, update });
}
