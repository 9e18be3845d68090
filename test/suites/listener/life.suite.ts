import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { createMoment, json, type OpenListener, startListener } from "./listener-fixture.ts";
import { RawClient } from "./raw-client.ts";
import { connectSocket, createEchoSockets } from "./socket-fixture.ts";

/** Opening, draining, closing. */
export function describeLife(name: string, open: OpenListener): void {
  describe(`${name}: life`, () => {
    test("a taken port is an error that says what to do", async () => {
      const { port } = await startListener(open, {});
      await expect(startListener(open, { port })).rejects.toMatchObject({
        name: "MeshError",
        code: "unavailable",
        message: expect.stringContaining(String(port)),
        hint: expect.stringContaining("another port"),
      });
    });

    test("an address that this machine does not have is an error that says so", async () => {
      await expect(startListener(open, { host: "192.0.2.1" })).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("does not have the address"),
      });
    });

    test("the port is free again after close", async () => {
      const first = await startListener(open, {});
      await fetch(first.url);
      await first.listener.close();
      const second = await startListener(open, { port: first.port });
      expect((await fetch(second.url)).status).toBe(200);
    });

    test("stopAccepting lets open requests and sockets go on and takes no new connection", async () => {
      const started = createMoment<void>();
      const goOn = createMoment<void>();
      const { listener, port, url } = await startListener(open, {
        socket: createEchoSockets().handler,
        http: async () => {
          started.reach();
          await goOn.reached;
          return json(200, { late: true });
        },
      });
      const socket = await connectSocket(port);
      const answer = fetch(url);
      await started.reached;
      listener.stopAccepting();
      listener.stopAccepting();
      await expect(RawClient.connect(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
      goOn.reach();
      expect(await (await answer).json()).toEqual({ late: true });
      socket.client.send("still here");
      expect(await socket.nextText()).toBe("still here");
    });

    test("after stopAccepting, a kept connection is served once more and told to end", async () => {
      const { listener, port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
      await client.write(request);
      expect((await client.response()).head).not.toContain("connection: close");
      listener.stopAccepting();
      await client.write(request);
      const both = await client.until(
        (text) => text.split("HTTP/1.1 200").length === 3 && text.endsWith("\r\n\r\n"),
      );
      expect(both.toLowerCase()).toContain("connection: close\r\n");
    });

    test("close ends sockets with 1001, tells their sessions once and aborts open requests", async () => {
      const started = createMoment<AbortSignal>();
      const echoes = createEchoSockets();
      const { listener, port, url } = await startListener(open, {
        socket: echoes.handler,
        http: async (request) => {
          started.reach(request.signal);
          await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
          return json(200, {});
        },
      });
      const { client } = await connectSocket(port);
      const answer = fetch(url).catch((error: unknown) => error);
      const signal = await started.reached;
      const closed = once(client, "close");
      await Promise.all([listener.close(), listener.close()]);
      expect((await closed)[0]).toBe(1001);
      expect(echoes.closedCount()).toBe(1);
      expect(signal.aborted).toBe(true);
      expect(await answer).toBeInstanceOf(Error);
    });
  });
}
