import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { freePort } from "../../../src/listeners/free-port.ts";
import { openNodeListener } from "../../../src/listeners/node/open-node-listener.ts";
import { startListener } from "../../suites/listener/listener-fixture.ts";
import { RawClient } from "../../suites/listener/raw-client.ts";
import { connectSocket, createEchoSockets } from "../../suites/listener/socket-fixture.ts";
import { hasHaproxy, startHaproxy } from "../../support/haproxy.ts";
import { createTrusted } from "./tls-fixture.ts";

const V1 = "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n";
const V2 = Buffer.from("0d0a0d0a000d0a515549540a2111000cc00002077f00000112670050", "hex");
const V2_LOCAL = Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex");
const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const trusting = { expectsProxyHeader: true, isTrustedProxy: (address: string) => address === "127.0.0.1" };
const tls = await createTrusted("proxied");

describe("PROXY headers on the HTTP port", () => {
  test.each<[string, string | Buffer, string]>([
    ["version 1", V1, "192.0.2.7"],
    ["version 2", V2, "192.0.2.7"],
    ["version 2, of the proxy itself", V2_LOCAL, "127.0.0.1"],
  ])("%s tells the client's address, for every request of the connection", async (_what, header, address) => {
    const { port } = await startListener(openNodeListener, trusting);
    const client = await RawClient.connect(port);
    await client.write(Buffer.concat([Buffer.from(header), Buffer.from(GET)]));
    expect((await client.response()).head).toContain(`x-remote: ${address}\r\n`);
    await client.write(GET);
    await client.until((text) => text.split(`x-remote: ${address}\r\n`).length === 3);
  });

  test("a header cut at any byte is whole", async () => {
    const { port } = await startListener(openNodeListener, trusting);
    for (let at = 1; at <= V2.length; at++) {
      const client = await RawClient.connect(port);
      await client.write(V2.subarray(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      await client.write(Buffer.concat([V2.subarray(at), Buffer.from(GET)]));
      expect((await client.response()).head).toContain("x-remote: 192.0.2.7\r\n");
      client.socket.destroy();
    }
  });

  test("a connection of a trusted proxy without one is cut unanswered", async () => {
    const { port } = await startListener(openNodeListener, trusting);
    const client = await RawClient.connect(port);
    await client.write(GET);
    expect(await client.untilClosed()).toBe("");
  });

  test("a second one, which only the client can have sent, is refused and tells nothing", async () => {
    const { port } = await startListener(openNodeListener, trusting);
    const spoofed = V1.replace("192.0.2.7", "192.0.2.66");
    for (const bytes of [V1 + spoofed + GET, V1 + GET + spoofed + GET]) {
      const client = await RawClient.connect(port);
      await client.write(bytes);
      expect(await client.untilClosed()).not.toContain("192.0.2.66");
    }
  });

  test("others are served without, and cannot bring one", async () => {
    const { port } = await startListener(openNodeListener, { ...trusting, isTrustedProxy: () => false });
    const plain = await RawClient.connect(port);
    await plain.write(GET);
    expect((await plain.response()).head).toContain("x-remote: 127.0.0.1\r\n");
    const liar = await RawClient.connect(port);
    await liar.write(V1 + GET);
    expect(await liar.untilClosed()).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("one stands before TLS", async () => {
    const { port } = await startListener(openNodeListener, { ...trusting, tls });
    const tcp = connect({ port, host: "127.0.0.1" });
    await once(tcp, "connect");
    tcp.write(V2);
    const socket = connectTls({ socket: tcp, host: "127.0.0.1" });
    onTestFinished(() => {
      socket.destroy();
    });
    await once(socket, "secureConnect");
    socket.write(GET);
    const [answer] = await once(socket, "data");
    expect(String(answer)).toContain("x-remote: 192.0.2.7\r\n");
  });
});

const TIMEOUTS = "defaults\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n";

describe.skipIf(!hasHaproxy)("through haproxy", () => {
  it.each([
    ["passing TCP on", "mode tcp", "send-proxy-v2", true],
    ["passing TCP on, version 1", "mode tcp", "send-proxy", true],
    ["speaking HTTP", "mode http\n  option forwardfor", "", false],
  ])("%s, the client's address arrives, and sockets work", async (_what, mode, send, expectsProxyHeader) => {
    const { port } = await startListener(openNodeListener, {
      ...trusting,
      expectsProxyHeader,
      socket: createEchoSockets().handler,
    });
    const front = await freePort("127.0.0.1");
    const section = `listen hub
  ${mode}
  bind 127.0.0.1:${front}
  server hub 127.0.0.1:${port} ${send}
`;
    await startHaproxy(TIMEOUTS + section, [front]);
    // Another address of this machine, which nobody trusts, so that the client can be told from the proxy.
    const client = await RawClient.connect(front, "127.0.0.2");
    await client.write(GET);
    expect((await client.response()).head).toContain("x-remote: 127.0.0.2\r\n");
    const socket = await connectSocket(front);
    socket.client.send("through");
    expect(await socket.nextText()).toBe("through");
  });
});
