import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { type Answer, textMember } from "../../../src/cli/hub/answer.ts";
import { followInbox } from "../../../src/cli/hub/inbox-follower.ts";
import { createMemoryEdge, runCli } from "./memory-edge.ts";
import { portOf, startStubHub } from "./stub-hub.ts";

type Frame = Readonly<Record<string, unknown>>;
const servers: WebSocketServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

/** Calls `session` for each connection with its hello; frames of the client go into the returned list. */
async function startSocketHub(session: (socket: WebSocket, hello: Frame, count: number) => void, port = 0) {
  const frames: Frame[] = [];
  const server = new WebSocketServer({ port, host: "127.0.0.1", path: "/ws" });
  servers.push(server);
  let count = 0;
  server.on("connection", (socket) => {
    socket.on("message", (data) => {
      const frame: Frame = JSON.parse(String(data));
      frames.push(frame);
      if (typeof frame["ack"] === "string") socket.send(JSON.stringify({ acked: frame["ack"] }));
      if (frame["hello"] !== undefined) session(socket, Object(frame["hello"]), ++count);
    });
  });
  await once(server, "listening");
  return { frames, port: portOf(server.address()), url: `http://127.0.0.1:${portOf(server.address())}` };
}

function deliver(socket: WebSocket, ...offsets: readonly number[]): void {
  const messages = offsets.map((offset) => ({
    id: `m${offset}`,
    from: "bob",
    payload: offset,
    cursor: `1-${offset}`,
  }));
  socket.send(JSON.stringify({ deliver: messages }));
}

function welcome(socket: WebSocket): void {
  socket.send(JSON.stringify({ welcome: { agent_id: "alice", hub_id: "h", cursor: "1-0" } }));
}

function follow(url: string, more: Partial<Parameters<typeof followInbox>[1]> = {}) {
  const shown: (string | undefined)[] = [];
  const warnings: string[] = [];
  const done = followInbox(
    { url, bearer: "key" },
    {
      cursor: undefined,
      limit: 3,
      acks: true,
      signal: new AbortController().signal,
      show: async (messages: readonly Answer[]) => {
        shown.push(...messages.map((message) => textMember(message, "id")));
      },
      warn: async (code) => {
        warnings.push(code);
      },
      backOff: () => 1,
      ...more,
    },
  );
  return { done, shown, warnings };
}

test("says who it is in the first frame, and acknowledges after showing", async () => {
  const hub = await startSocketHub((socket) => {
    welcome(socket);
    deliver(socket, 1, 2);
    deliver(socket, 3, 4);
  });
  const { done, shown } = follow(hub.url);
  await done;
  expect(shown).toEqual(["m1", "m2", "m3"]);
  expect(hub.frames).toEqual([{ hello: { token: "key" } }, { ack: "1-2" }, { ack: "1-3" }]);
});

test("comes back after every loss and goes on after the last message shown", async () => {
  const hub = await startSocketHub((socket, hello, count) => {
    const at = Number(String(hello["cursor"] ?? "1-0").slice(2));
    welcome(socket);
    deliver(socket, at + 1);
    if (count === 2) socket.send(JSON.stringify({ error: { code: "unavailable", message: "drains" } }));
    socket.close();
  });
  const { done, shown, warnings } = follow(hub.url);
  await done;
  expect(shown).toEqual(["m1", "m2", "m3"]);
  expect(hub.frames.filter((frame) => frame["hello"] !== undefined)).toEqual([
    { hello: { token: "key" } },
    { hello: { token: "key", cursor: "1-1" } },
    { hello: { token: "key", cursor: "1-2" } },
  ]);
  expect(warnings).toEqual(["reconnecting", "reconnecting"]);
});

test("keeps trying while the hub is away", async () => {
  const first = await startSocketHub((socket) => {
    welcome(socket);
    deliver(socket, 1);
  });
  let tries = 0;
  const back = Promise.withResolvers<void>();
  const { done, shown } = follow(first.url, {
    limit: 2,
    backOff: () => {
      if (++tries === 3) back.resolve();
      return 5;
    },
    show: async (messages) => {
      shown.push(...messages.map((message) => textMember(message, "id")));
      for (const server of servers.splice(0)) {
        for (const client of server.clients) client.terminate();
        server.close();
      }
    },
  });
  await back.promise;
  await startSocketHub((socket, hello) => {
    welcome(socket);
    if (hello["cursor"] === "1-1") deliver(socket, 2);
  }, first.port);
  await done;
  expect(shown).toEqual(["m1", "m2"]);
});

test("acknowledges nothing when told so", async () => {
  const hub = await startSocketHub((socket) => {
    welcome(socket);
    deliver(socket, 1);
  });
  await follow(hub.url, { limit: 1, acks: false, cursor: "1-0" }).done;
  expect(hub.frames).toEqual([{ hello: { token: "key", cursor: "1-0" } }]);
});

test("what could not be shown is not acknowledged", async () => {
  const closed = Promise.withResolvers<void>();
  const hub = await startSocketHub((socket) => {
    socket.on("close", () => closed.resolve());
    welcome(socket);
    deliver(socket, 1);
  });
  const { done } = follow(hub.url, { show: () => Promise.reject(new Error("nobody reads")) });
  await expect(done).rejects.toThrow("nobody reads");
  await closed.promise;
  expect(hub.frames).toEqual([{ hello: { token: "key" } }]);
});

test("a wrong key ends it, also later; other errors are told and it goes on", async () => {
  const hub = await startSocketHub((socket) => {
    welcome(socket);
    socket.send(JSON.stringify({ error: { code: "rate_limited", message: "slower" } }));
    deliver(socket, 1);
    socket.send(JSON.stringify({ error: { code: "unauthenticated", message: "revoked" } }));
  });
  const { done, shown, warnings } = follow(hub.url);
  await expect(done).rejects.toMatchObject({ exitCode: 4, message: "revoked" });
  expect(shown).toEqual(["m1"]);
  expect(warnings).toEqual(["rate_limited"]);
});

test("history that is gone ends the first connection, and is skipped on a later one", async () => {
  const gap = JSON.stringify({ error: { code: "gap", message: "gone" } });
  const strict = await startSocketHub((socket) => socket.send(gap));
  await expect(follow(strict.url, { cursor: "1-7" }).done).rejects.toMatchObject({
    exitCode: 1,
    code: "gap",
  });
  const hub = await startSocketHub((socket, _hello, count) => {
    if (count === 2) return socket.send(gap);
    welcome(socket);
    deliver(socket, count);
    if (count === 1) socket.close();
  });
  const { done, shown, warnings } = follow(hub.url, { limit: 2 });
  await done;
  expect(shown).toEqual(["m1", "m3"]);
  expect(warnings).toContain("gap");
});

test("slows the hub down while the output is slow", async () => {
  const gate = Promise.withResolvers<void>();
  const hub = await startSocketHub((socket) => {
    welcome(socket);
    deliver(socket, 1);
    deliver(socket, ...Array.from({ length: 1000 }, (_, index) => index + 2));
    socket.on("message", (data) => {
      if (String(data).includes("pause")) gate.resolve();
    });
  });
  const { done, shown } = follow(hub.url, {
    limit: 1001,
    show: async (messages) => {
      await gate.promise;
      shown.push(...messages.map((message) => textMember(message, "id")));
    },
  });
  await done;
  expect(shown).toHaveLength(1001);
  const flows = hub.frames.map((frame) => frame["flow"]).filter((flow) => flow !== undefined);
  expect(flows).toEqual([{ pause: true }, { resume: true }]);
});

test("a hub without a WebSocket is asked by long poll", async () => {
  let polls = 0;
  await using hub = await startStubHub(({ path }) => {
    if (path === "/messages/ack") return { status: 204 };
    if (path !== "/messages")
      return { status: 404, body: { error: { code: "not_found", message: "no", hint: "" } } };
    polls += 1;
    const messages = [{ id: `m${polls}`, from: "bob", payload: polls, cursor: `1-${polls}` }];
    return { status: 200, body: { messages, cursor: `1-${polls}` } };
  });
  const { done, shown, warnings } = follow(hub.url, { limit: 2 });
  await done;
  expect(shown).toEqual(["m1", "m2"]);
  expect(warnings).toEqual(["no_websocket"]);
  const polled = hub.calls.filter(({ path }) => path.startsWith("/messages"));
  expect(polled.map(({ path, query, body }) => path + query + body)).toEqual([
    "/messages?wait=30&ack=manual",
    '/messages/ack{"cursor":"1-1"}',
    "/messages?wait=30&ack=manual&cursor=1-1",
    '/messages/ack{"cursor":"1-2"}',
  ]);
});

test("a refusal of the WebSocket is told as the hub says it", async () => {
  const error = { code: "unavailable", message: "draining", hint: "later" };
  await using hub = await startStubHub(() => ({ status: 503, body: { error } }));
  await expect(follow(hub.url).done).rejects.toMatchObject({ exitCode: 5, message: "draining" });
});

test("Ctrl-C ends it with 130 after what is acknowledged is durable; one JSON document a line", async () => {
  const hub = await startSocketHub((socket) => {
    welcome(socket);
    deliver(socket, 1, 2);
  });
  const edge = createMemoryEdge({ env: { MESHKORE_URL: hub.url, MESHKORE_API_KEY: "key" } });
  const run = runCli(["inbox", "--follow", "--json"], edge);
  await expect.poll(() => edge.out()).toContain("m2");
  edge.interrupt("SIGINT");
  expect((await run).code).toBe(130);
  const lines = edge.out().trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).id)).toEqual(["m1", "m2"]);
  expect(edge.err()).toBe("");
  expect(hub.frames.at(-1)).toEqual({ ack: "1-2" });
});
