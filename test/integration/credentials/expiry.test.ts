import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EventStreamClient } from "../../support/event-stream.ts";
import { startHub, type TestHub, withHub } from "../../support/hub.ts";
import { jsonWire } from "../../support/json-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import { until } from "../../support/until.ts";
import { JWT_SECRET, signed } from "../authorization/stage.ts";
import { withDataDir } from "../process/hub-run.ts";

/** A session and an event stream, and whether both are open. */
async function openBoth(hub: TestHub, token: string) {
  const session = await SessionClient.open(hub.http, jsonWire, { token });
  const events = await EventStreamClient.open(`${hub.http}/messages/stream`, { token });
  const open = (): boolean[] => [session.isOpen, !events.hasEnded];
  return { open, untilCut: () => until("the end of both", () => !open().includes(true), 5_000) };
}

test("a token that expires ends what it opened, on time; a longer one does not", () =>
  withHub({ env: { MESHKORE_JWT_SECRET: JWT_SECRET } }, async (hub) => {
    const agent = await hub.join("agent");
    const short = await openBoth(hub, signed(agent, { endsInS: 3 }));
    const endMs = (Math.floor(Date.now() / 1000) + 3) * 1000;
    const long = await openBoth(hub, signed(agent, { endsInS: 60 }));
    expect([...short.open(), ...long.open()]).toEqual([true, true, true, true]);
    await short.untilCut();
    expect(Date.now()).toBeGreaterThanOrEqual(endMs - 1000);
    expect(long.open()).toEqual([true, true]);
  }));

/** Of Debian's package `libfaketime`. */
const LIBRARY = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
  .map((folder) => join(folder, "faketime", "libfaketimeMT.so.1"))
  .find(existsSync);

describe.skipIf(LIBRARY === undefined)("a clock that jumps", () => {
  test("over the end of a grace time ends what the old key opened, and nothing else", () =>
    withDataDir(async (dataDir) => {
      const offset = `${dataDir}.clock`;
      writeFileSync(offset, "+0");
      await using hub = await startHub({
        dataDir,
        env: {
          LD_PRELOAD: LIBRARY,
          FAKETIME_TIMESTAMP_FILE: offset,
          FAKETIME_NO_CACHE: "1",
          FAKETIME_DONT_FAKE_MONOTONIC: "1",
        },
      });
      const agent = await hub.join("agent");
      const [byKey, byToken] = [await openBoth(hub, agent.apiKey), await openBoth(hub, agent.token)];
      const fresh = String((await agent.post("/keys/rotate")).field("api_key"));
      const byNew = await openBoth(hub, fresh);
      writeFileSync(offset, "+3500");
      expect((await hub.call("GET", "/context", { token: agent.apiKey })).status).toBe(200);
      expect([...byKey.open(), ...byToken.open()]).toEqual([true, true, true, true]);
      writeFileSync(offset, "+3700");
      await byKey.untilCut();
      await byToken.untilCut();
      expect(byNew.open()).toEqual([true, true]);
      expect((await hub.call("GET", "/context", { token: agent.apiKey })).status).toBe(401);
    }));
});
