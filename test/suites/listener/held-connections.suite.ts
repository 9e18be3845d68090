import { describe, expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { json, MAX_BODY_BYTES, MIB, type OpenListener, startListener } from "./listener-fixture.ts";
import { RawClient } from "./raw-client.ts";

/** Well above what any listener grants, and what a busy machine adds. */
const PATIENCE_MS = 50_000;
/** Also keeps a listener busy that looks only at what moves, and not at which way. */
const PROBE_MS = 1000;
const GET = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

interface Holder {
  readonly name: string;
  /** What is sent; each part after an answer to those before has begun. */
  readonly parts: readonly string[];
  readonly isUnread?: boolean;
}

const HOLDERS: readonly Holder[] = [
  { name: "says nothing", parts: [] },
  { name: "says half of a request", parts: ["GET / HTT"] },
  { name: "has its answer", parts: [GET] },
  { name: "has a large answer", parts: ["GET /large HTTP/1.1\r\nHost: x\r\n\r\n"] },
  { name: "has an answer in parts", parts: ["GET /parts HTTP/1.1\r\nHost: x\r\n\r\n"] },
  {
    name: "sent a body that nobody read",
    parts: ["POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"],
  },
  {
    name: "sends the end of its body after the answer began",
    parts: ["POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo", "dy"],
  },
  {
    name: "ends its chunks after the answer began",
    parts: ["POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n", "0\r\n\r\n"],
  },
  {
    name: "sends half of its body",
    parts: ["POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo"],
  },
  {
    name: "sends half of its body for an answer in parts",
    parts: ["POST /parts HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo", "dy"],
  },
  {
    name: "announces a body that is too large",
    parts: [`POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: ${MAX_BODY_BYTES + 1}\r\n\r\nx`],
  },
  {
    name: "asks HEAD with a body",
    parts: ["HEAD /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo", "dy"],
  },
  {
    name: "reads nothing of a large answer",
    parts: ["GET /large HTTP/1.1\r\nHost: x\r\n\r\n"],
    isUnread: true,
  },
  {
    name: "reads nothing of an answer in parts",
    parts: ["GET /parts HTTP/1.1\r\nHost: x\r\n\r\n"],
    isUnread: true,
  },
];

/** Connections that would go on for ever if the listener let them. All at once: each takes the time of a limit. */
export function describeHeldConnections(name: string, open: OpenListener): void {
  describe(`${name}: connections that are held`, () => {
    test("every one is let go", { timeout: PATIENCE_MS + 10_000 }, async () => {
      const { port } = await startListener(open, { http: async ({ path }) => answerTo(path) });
      const held = new Set(HOLDERS.map((holder) => holder.name));
      const all = HOLDERS.map(async (holder) => {
        await hold(port, holder);
        held.delete(holder.name);
      });
      await until("all are let go", () => held.size === 0, PATIENCE_MS).catch(() => undefined);
      expect([...held]).toEqual([]);
      await Promise.all(all);
    });
  });
}

/** Answers when the listener has ended the connection. */
async function hold(port: number, { parts, isUnread }: Holder): Promise<void> {
  const client = await RawClient.connect(port);
  if (isUnread === true) client.socket.pause();
  for (const [at, part] of parts.entries()) {
    if (at > 0) await client.until((text) => text.includes("HTTP/1.1"));
    await client.write(part);
  }
  // Who reads nothing is not told of the end: a write to a connection that is gone tells it.
  const probe = isUnread === true ? setInterval(() => client.socket.write("\r\n"), PROBE_MS) : undefined;
  await client.untilClosed();
  clearInterval(probe);
}

function answerTo(path: string) {
  if (path === "/large") return { status: 200, headers: {}, body: Buffer.alloc(24 * MIB) };
  if (path !== "/parts") return json(200, {});
  return {
    status: 200,
    headers: {},
    body: (async function* parts() {
      for (let part = 0; part < 24; part++) yield Buffer.alloc(MIB);
    })(),
  };
}
