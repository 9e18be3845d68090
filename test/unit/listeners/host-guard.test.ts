import { expect, it } from "vitest";
import { createHostGuard } from "../../../src/listeners/host-guard.ts";
import type { HttpRequest } from "../../../src/ports/listener.ts";

const guard = createHostGuard(["hub.example", "localhost"]);

function requestTo(host: string | undefined): HttpRequest {
  return {
    ...{ method: "GET", path: "/", query: "", remoteAddress: "127.0.0.1" },
    headers: new Map(host === undefined ? [] : [["host", host]]),
    signal: new AbortController().signal,
    body: async () => new Uint8Array(0),
  };
}

it.each([
  ["127.0.0.1:7400", true],
  ["[::1]:7400", true],
  ["[::ffff:127.0.0.1]", true],
  ["localhost:7400", true],
  ["app.localhost", true],
  ["hub", true],
  ["hub-a.test:7400", true],
  ["hub.example", true],
  ["HUB.example.:443", true],
  [undefined, true],
  ["evil.example", false],
  ["evil.example:7400", false],
  ["127.0.0.1.evil.example", false],
  ["hub.example.evil.example", false],
  ["sub.hub.example", false],
  ["localhost.evil.example", false],
  ["[::1].evil.example", false],
])("Host %s is taken: %s", async (host, isTaken) => {
  const ok = { status: 200, headers: {}, body: "" };
  const { status } = await guard.http(async () => ok)(requestTo(host));
  expect(status).toBe(isTaken ? 200 : 421);
  const { headers, query, remoteAddress } = requestTo(host);
  const decision = guard.socket(() => ({ kind: "refuse", response: ok }))({ headers, query, remoteAddress });
  expect(decision).toMatchObject({ kind: "refuse", response: { status } });
});
