import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import type { SocketConnection, SocketSession } from "../../../src/ports/listener.ts";
import { createMoment, MIB, type OpenListener, startListener } from "./listener-fixture.ts";
import { RawClient } from "./raw-client.ts";
import {
  acceptAll,
  connectSocket,
  createEchoSockets,
  createSession,
  rawFrame,
  type TestSocket,
  UPGRADE_REQUEST,
} from "./socket-fixture.ts";

const FRAME_BYTES = 16 * 1024;

/** Sends numbered frames as long as the connection takes them, and goes on when it says so. */
class NumberSession implements SocketSession {
  fullCount = 0;
  drainedCount = 0;
  #connection: SocketConnection;
  #next = 0;
  #total: number;

  constructor(connection: SocketConnection, total: number) {
    this.#connection = connection;
    this.#total = total;
  }

  message(): void {
    this.#sendOn();
  }

  drained(): void {
    this.drainedCount++;
    this.#sendOn();
  }

  closed(): void {
    this.#next = this.#total;
  }

  #sendOn(): void {
    while (this.#next < this.#total) {
      const frame = Buffer.alloc(FRAME_BYTES);
      frame.writeUInt32BE(this.#next++);
      const state = this.#connection.send(frame);
      if (state === "full") this.fullCount++;
      if (state !== "ready") return;
    }
  }
}

/** Slow, large, many, rude. */
export function describeSocketLimits(name: string, open: OpenListener): void {
  describe(`${name}: sockets under pressure`, () => {
    test("a slow reader gets full, then drained, and loses nothing", async () => {
      const total = 2_000;
      const sessions: NumberSession[] = [];
      const { port } = await startListener(open, {
        socket: acceptAll((connection) => {
          const session = new NumberSession(connection, total);
          sessions.push(session);
          return session;
        }),
      });
      const { client, next } = await connectSocket(port);
      client.pause();
      client.send("go");
      await vi.waitFor(() => expect(sessions[0]?.fullCount).toBeGreaterThan(1), 5_000);
      client.resume();
      for (let at = 0; at < total; at++) {
        const { data } = await next();
        if (data.readUInt32BE() !== at || data.length !== FRAME_BYTES) throw new Error(`not frame ${at}`);
      }
      expect(sessions[0]?.drainedCount).toBeGreaterThan(0);
      expect(sessions[0]?.drainedCount).toBeLessThanOrEqual(sessions[0]?.fullCount ?? 0);
    });

    test("a session that goes on sending past full is cut in the end", async () => {
      const opened = createMoment<SocketConnection>();
      const ended = createMoment<void>();
      const { port } = await startListener(open, {
        socketHighWaterBytes: 64 * 1024,
        socket: acceptAll((connection) => {
          opened.reach(connection);
          return createSession({ closed: () => ended.reach() });
        }),
      });
      const { client } = await connectSocket(port);
      client.pause();
      const connection = await opened.reached;
      const frame = Buffer.alloc(64 * 1024);
      let sentBytes = 0;
      while (connection.send(frame) !== "closed") {
        sentBytes += frame.length;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await ended.reached;
      expect(sentBytes).toBeLessThan(64 * MIB);
    });

    test("one slow reader does not slow another", async () => {
      const total = 1_000;
      const { port } = await startListener(open, {
        socket: acceptAll((connection) => new NumberSession(connection, total)),
      });
      const slow = await connectSocket(port);
      slow.client.pause();
      slow.client.send("go");
      const fast = await connectSocket(port);
      fast.client.send("go");
      for (let at = 0; at < total; at++) expect((await fast.next()).data.readUInt32BE()).toBe(at);
    });

    // Client and server share a process here, and greetings of TLS are dear.
    const count = open.speaksTls === true ? 200 : 2_000;
    test(`${count} connections at once are served and all of them are let go`, {
      timeout: 30_000,
    }, async () => {
      const echoes = createEchoSockets();
      const { listener, port } = await startListener(open, { socket: echoes.handler });
      const sockets = await connectMany(port, count);
      expect(echoes.openCount()).toBe(count);
      for (const [at, { client }] of sockets.entries()) client.send(`n${at}`);
      const answers = await Promise.all(sockets.map((socket) => socket.nextText()));
      expect(answers).toEqual(sockets.map((_, at) => `n${at}`));
      await listener.close();
      await vi.waitFor(() => expect(echoes.closedCount()).toBe(count), 10_000);
    });
  });

  describe(`${name}: rude clients`, () => {
    test("a frame over the limit is answered 1009", async () => {
      const maxFrameBytes = 10_000;
      const { port } = await startListener(open, { socket: createEchoSockets().handler, maxFrameBytes });
      const { client } = await connectSocket(port);
      const closed = once(client, "close");
      client.send(Buffer.alloc(maxFrameBytes + 1));
      expect((await closed)[0]).toBe(1009);
    });

    test("a message over the limit in fragments ends the connection", async () => {
      const echoes = createEchoSockets();
      const { port } = await startListener(open, { socket: echoes.handler, maxFrameBytes: 10_000 });
      const client = await RawClient.connect(port);
      await client.write(UPGRADE_REQUEST);
      await client.until((text) => text.endsWith("\r\n\r\n"));
      for (let part = 0; part < 100 && !client.isClosed; part++) {
        await client.write(rawFrame(part === 0 ? 2 : 0, Buffer.alloc(1000), false));
      }
      await client.untilClosed();
      await vi.waitFor(() => expect(echoes.closedCount()).toBe(1));
    });

    test.each([
      ["text that is not UTF-8", rawFrame(0x1, Buffer.from([0xff, 0xfe]))],
      ["a reserved opcode", rawFrame(0x3, Buffer.from("x"))],
      ["a fragmented control frame", rawFrame(0x9, Buffer.from("x"), false)],
    ])("%s ends the connection and reaches no session", async (_what, frame) => {
      const echoes = createEchoSockets();
      const { port } = await startListener(open, { socket: echoes.handler });
      const client = await RawClient.connect(port);
      await client.write(UPGRADE_REQUEST);
      const start = (await client.until((text) => text.endsWith("\r\n\r\n"))).length;
      await client.write(frame);
      const answer = (await client.untilClosed()).slice(start);
      // Cut without a word, or after a close frame (1002 or 1007): never anything else.
      expect(answer).toMatch(/^(?:\x88.*)?$/s);
      await vi.waitFor(() => expect(echoes.closedCount()).toBe(1));
    });

    test("a connection that breaks is told to its session once, and sends to it are harmless", async () => {
      const opened = createMoment<SocketConnection>();
      const ended = createMoment<void>();
      let closedCount = 0;
      const { port, errors } = await startListener(open, {
        socket: acceptAll((connection) => {
          opened.reach(connection);
          return createSession({
            closed: () => {
              closedCount++;
              ended.reach();
            },
          });
        }),
      });
      const client = await RawClient.connect(port);
      await client.write(UPGRADE_REQUEST);
      const connection = await opened.reached;
      connection.send("before");
      client.reset();
      await ended.reached;
      expect(connection.send("after")).toBe("closed");
      connection.close(1000, "");
      await new Promise((resolve) => setImmediate(resolve));
      expect(closedCount).toBe(1);
      expect(errors).toEqual([]);
    });
  });

  describe(`${name}: sessions that throw`, () => {
    const fail = () => {
      throw new Error("secret detail");
    };

    test("while opening end with 1011 and are reported", async () => {
      const { port, errors } = await startListener(open, { socket: acceptAll(fail) });
      const { client } = await connectSocket(port);
      if (client.readyState !== client.CLOSED) await once(client, "close");
      expect(errors).toMatchObject([{ message: "secret detail" }]);
    });

    test("at a message end with 1011, are reported and told that they are closed", async () => {
      const ended = createMoment<void>();
      let messageCount = 0;
      const { port, errors } = await startListener(open, {
        socket: acceptAll(() =>
          createSession({
            message: () => {
              messageCount++;
              fail();
            },
            closed: () => ended.reach(),
          }),
        ),
      });
      const { client } = await connectSocket(port);
      const closed = once(client, "close");
      client.send("one");
      client.send("two");
      const [code, reason] = await closed;
      expect(code).toBe(1011);
      expect(String(reason)).not.toContain("secret");
      await ended.reached;
      expect(messageCount).toBe(1);
      expect(errors).toHaveLength(1);
    });
  });
}

/** Not all at the same instant: the kernel's queue of new connections is shorter than that. */
async function connectMany(port: number, count: number): Promise<readonly TestSocket[]> {
  const sockets: TestSocket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(200, count - sockets.length) }, () => connectSocket(port));
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}
