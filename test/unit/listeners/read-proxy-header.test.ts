import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { readProxyHeader } from "../../../src/listeners/read-proxy-header.ts";

/** Both ends of one connection. */
async function openPair(): Promise<{ readonly client: Socket; readonly server: Socket }> {
  const listener = createServer({ pauseOnConnect: true });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const client = connect({ port: address.port, host: "127.0.0.1", noDelay: true });
  const [server]: Socket[] = await once(listener, "connection");
  if (server === undefined) throw new Error("no connection");
  onTestFinished(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  client.on("error", () => undefined);
  server.on("error", () => undefined);
  return { client, server };
}

const HEADER = "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n";

describe("readProxyHeader", () => {
  it.each([1, 5, 40, HEADER.length, HEADER.length + 2])(
    "takes the header off and leaves the rest, cut at byte %d",
    async (at) => {
      const { client, server } = await openPair();
      const read = readProxyHeader(server, 10_000);
      const bytes = `${HEADER}rest`;
      await new Promise((resolve) => client.write(bytes.slice(0, at), resolve));
      client.end(bytes.slice(at));
      expect(await read).toBe("192.0.2.7");
      let rest = "";
      for await (const part of server) rest += String(part);
      expect(rest).toBe("rest");
    },
  );

  it.each(["GET / HTTP/1.1\r\n", "\x16\x03\x01"])(
    "refuses a connection that begins with %j",
    async (start) => {
      const { client, server } = await openPair();
      client.write(start);
      await expect(readProxyHeader(server, 10_000)).rejects.toThrow("no PROXY header");
    },
  );

  it("refuses a connection that ends or breaks before the header is whole", async () => {
    for (const leave of ["end", "resetAndDestroy"] as const) {
      const { client, server } = await openPair();
      const read = readProxyHeader(server, 10_000);
      await new Promise<void>((resolve) => client.write(HEADER.slice(0, 9), () => resolve()));
      client[leave]();
      await expect(read).rejects.toThrow("ended before");
    }
  });

  it("refuses a header that takes too long", async () => {
    const { client, server } = await openPair();
    client.write(HEADER.slice(0, 9));
    await expect(readProxyHeader(server, 20)).rejects.toThrow("too long");
  });
});
