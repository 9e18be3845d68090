import { describe, expect, test } from "vitest";
import type { ListenerOptions } from "../../../src/ports/listener.ts";
import { createMoment, type OpenListener, startListener } from "./listener-fixture.ts";
import { RawClient } from "./raw-client.ts";
import { connectSocket, createSession } from "./socket-fixture.ts";

const trusting = (address: string) => address === "127.0.0.1" || address === "10.0.0.9";

/** Whose word on the client's address is taken. The parts of the header are tested by themselves. */
export function describeProxies(name: string, open: OpenListener): void {
  describe(`${name}: the client's address`, () => {
    test.each<[string, ListenerOptions["isTrustedProxy"], string, string]>([
      ["is the peer's when nobody is trusted", undefined, "X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1"],
      ["is the peer's when others are trusted", () => false, "X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1"],
      ["is what a trusted proxy says", trusting, "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"],
      [
        "is read from repeated headers",
        trusting,
        "x-forwarded-for: 192.0.2.6, 192.0.2.7\r\nX-FORWARDED-FOR: 10.0.0.9\r\n",
        "192.0.2.7",
      ],
      ["is the peer's without a header", trusting, "", "127.0.0.1"],
    ])("%s", async (_what, isTrustedProxy, header, address) => {
      const { port } = await startListener(open, isTrustedProxy === undefined ? {} : { isTrustedProxy });
      const client = await RawClient.connect(port);
      await client.write(`GET / HTTP/1.1\r\nHost: x\r\n${header}\r\n`);
      expect((await client.response()).head).toContain(`x-remote: ${address}\r\n`);
    });

    test.each<[string, ListenerOptions["isTrustedProxy"], string]>([
      ["of a socket is what a trusted proxy says", trusting, "192.0.2.7"],
      ["of a socket is the peer's when others are trusted", () => false, "127.0.0.1"],
    ])("%s", async (_what, isTrustedProxy, address) => {
      const atUpgrade = createMoment<string>();
      const atOpen = createMoment<string>();
      const { port } = await startListener(open, {
        ...(isTrustedProxy !== undefined && { isTrustedProxy }),
        socket: (upgrade) => {
          atUpgrade.reach(upgrade.remoteAddress);
          const openSession = (connection: { readonly remoteAddress: string }) => {
            atOpen.reach(connection.remoteAddress);
            return createSession({});
          };
          return { kind: "accept", subprotocol: "", open: openSession };
        },
      });
      await connectSocket(port, [], { headers: { "x-forwarded-for": "192.0.2.7" } });
      expect([await atUpgrade.reached, await atOpen.reached]).toEqual([address, address]);
    });

    test("is nothing that a client can set by a PROXY header that nobody asked for", async () => {
      const { port } = await startListener(open, { isTrustedProxy: trusting });
      for (const header of [PROXY_V1, PROXY_V2]) {
        const client = await RawClient.connect(port);
        await client.write(header);
        await client.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        expect(await client.untilClosed()).not.toContain("192.0.2.7");
      }
    });
  });
}

const PROXY_V1 = "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n";
const PROXY_V2 = Buffer.from("0d0a0d0a000d0a515549540a2111000cc00002077f00000112670050", "hex");
