import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { createCors, guardSocketOrigin } from "../../../src/listeners/cors.ts";
import type { SocketConnection, SocketUpgrade } from "../../../src/ports/listener.ts";
import { createMoment, json, type OpenListener, patternBytes, startListener } from "./listener-fixture.ts";
import { RawClient } from "./raw-client.ts";
import {
  acceptAll,
  connectSocket,
  createEchoSockets,
  createSession,
  rawFrame,
  refusedUpgrade,
  UPGRADE_REQUEST,
} from "./socket-fixture.ts";

/** Ordinary WebSocket sessions. */
export function describeSockets(name: string, open: OpenListener): void {
  describe(`${name}: upgrades`, () => {
    test("give query, headers and address, and answer the subprotocol", async () => {
      const seen: SocketUpgrade[] = [];
      const { port } = await startListener(open, {
        socket: (upgrade) => {
          seen.push(upgrade);
          return { kind: "accept", subprotocol: "meshkore.v1.proto", open: () => createSession({}) };
        },
      });
      const { client } = await connectSocket(port, ["meshkore.v1.json", "meshkore.v1.proto"], {
        headers: { authorization: "Bearer t" },
      });
      expect(client.protocol).toBe("meshkore.v1.proto");
      expect(client.extensions).toBe("");
      expect(seen[0]?.headers.get("authorization")).toBe("Bearer t");
      expect(seen[0]?.headers.get("sec-websocket-protocol")).toBe("meshkore.v1.json,meshkore.v1.proto");
      expect(seen[0]?.remoteAddress).toBe("127.0.0.1");
    });

    test("are refused with an answer that says why", async () => {
      const { port } = await startListener(open, {
        socket: () => ({ kind: "refuse", response: json(401, { error: { code: "unauthenticated" } }) }),
      });
      expect(await refusedUpgrade(port)).toEqual({
        status: 401,
        body: '{"error":{"code":"unauthenticated"}}',
      });
    });

    test("of pages that are not on the list are refused, those of others and of programs are not", async () => {
      const { port } = await startListener(open, {
        socket: guardSocketOrigin(
          createCors({ origins: ["https://app.example"] }),
          createEchoSockets().handler,
        ),
      });
      await connectSocket(port);
      await connectSocket(port, [], { headers: { origin: "https://app.example" } });
      await connectSocket(port, [], { headers: { origin: "http://[::1]:8080" } });
      const refused = await refusedUpgrade(port, { headers: { origin: "https://evil.example" } });
      expect(refused.status).toBe(403);
      expect(JSON.parse(refused.body)).toMatchObject({ error: { code: "permission_denied" } });
    });

    test("of another version are refused, and no upgrade at all goes to the HTTP handler", async () => {
      const { port, url } = await startListener(open, { socket: createEchoSockets().handler });
      const client = await RawClient.connect(port);
      await client.write(UPGRADE_REQUEST.replace("Version: 13", "Version: 8"));
      expect((await client.response()).status).toBeGreaterThanOrEqual(400);
      expect((await fetch(`${url}/ws`)).headers.get("x-path")).toBe("/ws");
    });

    test("of a handler that throws are answered 500 and reported", async () => {
      const { port, errors } = await startListener(open, {
        socket: () => {
          throw new Error("secret detail");
        },
      });
      const refused = await refusedUpgrade(port);
      expect(refused.status).toBe(500);
      expect(refused.body).not.toContain("secret");
      expect(errors).toHaveLength(1);
    });
  });

  describe(`${name}: frames`, () => {
    test("of every size up to the limit come back as they were, text as text, bytes as bytes", async () => {
      const maxFrameBytes = 200_000;
      const { port } = await startListener(open, { socket: createEchoSockets().handler, maxFrameBytes });
      const socket = await connectSocket(port, [], { maxPayload: maxFrameBytes });
      for (const length of [0, 1, 125, 126, 127, 4095, 65_535, 65_536, maxFrameBytes]) {
        const bytes = patternBytes(length);
        socket.client.send(bytes);
        const binary = await socket.next();
        expect([length, binary.isBinary, binary.data.equals(bytes)]).toEqual([length, true, true]);
        const text = "ž".repeat(Math.floor(length / 2));
        socket.client.send(text);
        const answer = await socket.next();
        expect([length, answer.isBinary, answer.data.toString() === text]).toEqual([length, false, true]);
      }
    });

    test("in fragments arrive as one message, pings in between are answered", async () => {
      const { port } = await startListener(open, { socket: createEchoSockets().handler });
      const client = await RawClient.connect(port);
      await client.write(UPGRADE_REQUEST);
      await client.until((text) => text.endsWith("\r\n\r\n"));
      await client.write(rawFrame(0x1, Buffer.from("one "), false));
      await client.write(rawFrame(0x9, Buffer.from("ping")));
      await client.until((text) => text.includes("\x8a\x04ping"));
      await client.write(rawFrame(0x0, Buffer.from("two "), false));
      await client.write(rawFrame(0x0, Buffer.from("three"), true));
      expect(await client.until((text) => text.endsWith("three"))).toContain("\x81\x0done two three");
    });

    test("that arrive cut at any byte are whole", async () => {
      const { port } = await startListener(open, { socket: createEchoSockets().handler });
      const frame = Buffer.concat([
        rawFrame(0x1, Buffer.from("hello")),
        rawFrame(0x2, Buffer.alloc(200, "b")),
      ]);
      const client = await RawClient.connect(port);
      await client.write(UPGRADE_REQUEST);
      const start = (await client.until((text) => text.endsWith("\r\n\r\n"))).length;
      for (let at = 1; at < frame.length; at++) {
        await client.write(frame.subarray(0, at));
        await client.write(frame.subarray(at));
      }
      const expected = `\x81\x05hello\x82\x7e\x00\xc8${"b".repeat(200)}`.repeat(frame.length - 1);
      const text = await client.until((soFar) => soFar.length >= start + expected.length);
      expect(text.slice(start) === expected).toBe(true);
    });

    test("that the session keeps stay as they came", async () => {
      const kept: Uint8Array[] = [];
      const done = createMoment<void>();
      const { port } = await startListener(open, {
        socket: acceptAll(() =>
          createSession({
            message: (data) => {
              if (kept.push(data) === 50) done.reach();
            },
          }),
        ),
      });
      const { client } = await connectSocket(port);
      for (let at = 0; at < 50; at++) client.send(Buffer.alloc(100, at));
      await done.reached;
      expect(kept.map((data) => data.every((byte) => byte === data[0]) && data[0])).toEqual([...kept.keys()]);
    });

    test("that are sent in one turn arrive in order, also those from before and after an await", async () => {
      const { port } = await startListener(open, {
        socket: acceptAll((connection) => {
          const sendAll = async () => {
            for (let at = 0; at < 300; at++) {
              connection.send(at % 2 === 0 ? String(at) : Buffer.from(String(at)));
              if (at % 50 === 0) await Promise.resolve();
              if (at % 90 === 0) await new Promise((resolve) => setImmediate(resolve));
            }
            connection.close(1000, "done");
          };
          void sendAll();
          return createSession({});
        }),
      });
      const socket = await connectSocket(port);
      const closed = once(socket.client, "close");
      const texts: string[] = [];
      for (let at = 0; at < 300; at++) texts.push(await socket.nextText());
      expect(texts).toEqual(Array.from({ length: 300 }, (_, at) => String(at)));
      expect([(await closed)[0], String((await closed)[1])]).toEqual([1000, "done"]);
    });
  });

  describe(`${name}: closing`, () => {
    test("by the session says code and reason, and nothing can be sent afterwards", async () => {
      const opened = createMoment<SocketConnection>();
      let closedCount = 0;
      const ended = createMoment<void>();
      const { port } = await startListener(open, {
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
      const { client } = await connectSocket(port);
      const connection = await opened.reached;
      const closed = once(client, "close");
      connection.send("last");
      connection.close(4001, "é".repeat(100));
      connection.close(4002, "again");
      expect(closedCount).toBe(0);
      expect(connection.send("late")).toBe("closed");
      const [code, reason] = await closed;
      expect([code, String(reason)]).toEqual([4001, "é".repeat(61)]);
      await ended.reached;
      expect(connection.send("later")).toBe("closed");
      expect(() => connection.close(1000, "")).not.toThrow();
      expect(closedCount).toBe(1);
    });

    test("by the client is told to the session once", async () => {
      const ended = createMoment<void>();
      let closedCount = 0;
      const { port } = await startListener(open, {
        socket: acceptAll(() =>
          createSession({
            closed: () => {
              closedCount++;
              ended.reach();
            },
          }),
        ),
      });
      const { client } = await connectSocket(port);
      const closed = once(client, "close");
      client.close(1000, "bye");
      expect((await closed)[0]).toBe(1000);
      await ended.reached;
      expect(closedCount).toBe(1);
    });
  });
}
