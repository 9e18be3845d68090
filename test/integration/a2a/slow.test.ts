import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect as connectHttp2, type Http2Session } from "node:http2";
import { connect, type Socket } from "node:net";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientReadableStream, credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  type StreamResponse,
  StreamResponseSchema,
  SubscribeToTaskRequestSchema,
} from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import { createEventReader } from "../../support/event-stream.ts";
import type { TestAgent } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { residentBytes } from "../survival/hub-memory.ts";
import { openStage, type Stage } from "./stage.ts";

const MIB = 1_048_576;
const RESUME = "https://meshkore.dev/ext/resume/v1";
const V1 = { "a2a-version": "1.0" };

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});

afterAll(async () => {
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

const message = () => ({
  message: { messageId: randomUUID(), role: "ROLE_USER", parts: [{ text: "do it" }] },
  configuration: { returnImmediately: true },
});

async function give(): Promise<string> {
  const answer = await stage.hub.call("POST", "/a2a/bob/message:send", {
    token: stage.alice.token,
    headers: V1,
    body: message(),
  });
  return JSON.parse(answer.text).task.id;
}

describe("a request that comes a byte at a time", () => {
  const CONNECTIONS = 20;

  /** Raw connections that say all but the body, and of that one byte now and then. */
  async function dripOver(path: string, headers: string): Promise<Socket[]> {
    const { port } = new URL(stage.hub.http);
    const sockets = Array.from({ length: CONNECTIONS }, () => connect(Number(port), "127.0.0.1"));
    for (const socket of sockets) {
      socket.on("error", () => undefined).resume();
      await once(socket, "connect");
      socket.write(`POST ${path} HTTP/1.1\r\nHost: hub\r\n${headers}Content-Length: 100000\r\n\r\n{"`);
      const timer = setInterval(() => socket.write("a"), 500);
      socket.once("close", () => clearInterval(timer));
    }
    return sockets;
  }

  async function dripOverGrpc(): Promise<Http2Session[]> {
    const sessions = Array.from({ length: CONNECTIONS }, () => connectHttp2(`http://${stage.hub.grpc}`));
    for (const session of sessions) {
      session.on("error", () => undefined);
      const stream = session.request({
        ...{ ":method": "POST", ":path": "/lf.a2a.v1.A2AService/SendMessage" },
        ...{ "content-type": "application/grpc", te: "trailers" },
        authorization: `Bearer ${stage.alice.token}`,
      });
      stream.on("error", () => undefined).resume();
      stream.write(Buffer.from([0, 0, 1, 0, 0, 10]));
      const timer = setInterval(() => stream.write(Buffer.alloc(1)), 500);
      stream.once("close", () => {
        clearInterval(timer);
        session.close();
      });
    }
    return sessions;
  }

  it("is ended before long on every binding, and holds up nobody", { timeout: 120_000 }, async () => {
    const auth = `Authorization: Bearer ${stage.alice.token}\r\nA2A-Version: 1.0\r\n`;
    const slow = [
      ...(await dripOver("/a2a/bob", auth)),
      ...(await dripOver("/a2a/bob/message:send", auth)),
      ...(await dripOver("/a2a/bob/message:stream", "")),
      ...(await dripOverGrpc()),
    ];
    const ended = slow.map((one) => once(one, "close"));
    let answered = 0;
    let isOver = false;
    const honest = (async () => {
      while (!isOver) {
        expect(await give()).toBeTypeOf("string");
        answered += 1;
      }
    })();
    await Promise.all(ended);
    isOver = true;
    await honest;
    expect(answered).toBeGreaterThan(10);
  });
});

/** Somebody who follows a task, and stops reading for a while. */
interface Follower {
  readonly name: string;
  /** Of everything that came, the sequences, in order. */
  readonly sequences: number[];
  pause(): void;
  resume(): void;
  close(): void;
  readonly hasEnded: boolean;
}

/** Follows the task from the event behind `after` on. */
type Way = (after: number | undefined) => Promise<Follower>;

/** By server-sent events, over whichever of the two bindings. */
async function followByEvents(
  path: string,
  { body, after }: { readonly body?: object; readonly after?: number | undefined },
): Promise<Follower> {
  const sent = httpRequest(`${stage.hub.http}${path}`, {
    method: body === undefined ? "GET" : "POST",
    // A connection of its own, with little room.
    agent: false,
    headers: {
      ...V1,
      authorization: `Bearer ${stage.alice.token}`,
      "content-type": "application/json",
      ...(after !== undefined && { "last-event-id": String(after) }),
    },
  });
  sent.on("error", () => undefined);
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  const reader = createEventReader();
  const sequences: number[] = [];
  let hasEnded = false;
  response.setEncoding("utf8").on("error", () => undefined);
  response.on("data", (text: string) => {
    for (const { id, data } of reader.read(text)) {
      expect(data).not.toContain('"error"');
      sequences.push(Number(id));
    }
  });
  response.once("close", () => {
    hasEnded = true;
  });
  return {
    ...{ name: path, sequences },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void sent.destroy(),
    get hasEnded() {
      return hasEnded;
    },
  };
}

function followByGrpc(taskId: string, after: number | undefined): Follower {
  const client = new Client(stage.hub.grpc ?? "", credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${stage.alice.token}`);
  metadata.set("a2a-extensions", RESUME);
  if (after !== undefined) metadata.set("last-event-id", String(after));
  const encode = (request: { id: string }): Buffer =>
    Buffer.from(
      toBinary(SubscribeToTaskRequestSchema, {
        $typeName: "lf.a2a.v1.SubscribeToTaskRequest",
        tenant: "bob",
        id: request.id,
      }),
    );
  const stream: ClientReadableStream<StreamResponse> = client.makeServerStreamRequest(
    "/lf.a2a.v1.A2AService/SubscribeToTask",
    encode,
    (bytes) => fromBinary(StreamResponseSchema, bytes),
    { id: taskId },
    metadata,
  );
  const sequences: number[] = [];
  let hasEnded = false;
  stream.on("data", ({ payload }: StreamResponse) => {
    const { metadata: marks } = Object(payload.value);
    sequences.push(Number(marks[`${RESUME}/sequence`]));
  });
  stream.on("error", () => undefined);
  stream.once("close", () => {
    hasEnded = true;
    client.close();
  });
  return {
    ...{ name: "gRPC", sequences },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    close() {
      // A stream that nobody reads does not say that it has ended.
      stream.removeAllListeners("data").cancel();
      hasEnded = true;
      client.close();
    },
    get hasEnded() {
      return hasEnded;
    },
  };
}

describe("a reader that stops reading while a worker streams", () => {
  const CHUNKS = 1200;
  const CHUNK_BYTES = 16_384;

  async function writeChunks(worker: TestAgent, taskId: string, count: number): Promise<void> {
    const payload = "x".repeat(CHUNK_BYTES);
    for (let n = 0; n < count; n++) {
      // Each takes the place of the one before: the task stays small, what happens to it does not.
      const answer = await worker.post(`/tasks/${taskId}/messages`, {
        payload,
        artifact: { artifact_id: "a" },
      });
      expect(answer.status, answer.text).toBe(200);
    }
  }

  /** From the first on, each once. */
  function expectDense(sequences: readonly number[]): void {
    expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, index) => 1 + index));
  }

  /** Everything up to the last event, on as many connections as that takes. */
  async function readToEnd(first: Follower, follow: Way, last: number): Promise<number[]> {
    const seen: number[] = [];
    for (let one = first; ; one = await follow(seen.at(-1))) {
      await until(`${one.name} ends`, () => one.hasEnded, 60_000);
      if (one !== first) expect(one.sequences.length).toBeGreaterThan(0);
      seen.push(...one.sequences);
      if (seen.at(-1) === last) return seen;
    }
  }

  it("costs bounded memory, and gets all of it when it reads on or comes back", {
    timeout: 240_000,
  }, async () => {
    const { hub, bob } = stage;
    const warm = await give();
    await writeChunks(bob, warm, 300);
    const taskId = await give();
    const base = "/a2a/bob";
    const subscribe = { jsonrpc: "2.0", id: 1, method: "SubscribeToTask", params: { id: taskId } };
    const byRpc: Way = (after) => followByEvents(base, { body: subscribe, after });
    const byRest: Way = (after) => followByEvents(`${base}/tasks/${taskId}:subscribe`, { after });
    const byGrpc: Way = async (after) => followByGrpc(taskId, after);
    const ways = [byRpc, byRpc, byRest, byRest, byGrpc, byGrpc];
    const followers = await Promise.all(ways.map((follow) => follow(undefined)));
    onTestFinished(() => {
      for (const one of followers) one.close();
    });
    await until("all of them have the task", () =>
      followers.every(({ sequences }) => sequences.length === 1),
    );
    const before = residentBytes(hub.pid);
    for (const one of followers) one.pause();
    await writeChunks(bob, taskId, CHUNKS);
    const grown = residentBytes(hub.pid).own - before.own;
    for (const { sequences } of followers) expect(sequences.length).toBeLessThan(CHUNKS);
    // Six times what was written would be more than twice as much.
    expect(grown).toBeLessThan(50 * MIB);

    // One of each kind goes away, and comes back for the rest on another connection. The others read on; the hub may
    // have cut them meanwhile, as it does who takes nothing for long: then they come back as well.
    for (const [index, one] of followers.entries()) index % 2 === 0 ? one.close() : one.resume();
    await bob.post(`/tasks/${taskId}/messages`, { status: "completed" });
    const last = 1 + CHUNKS + 1;
    await Promise.all(
      followers.map(async (one, index) => {
        const seen = await readToEnd(one, ways[index] ?? byRpc, last);
        expectDense(seen);
        expect([one.name, seen.at(-1)]).toEqual([one.name, last]);
      }),
    );
  });
});
