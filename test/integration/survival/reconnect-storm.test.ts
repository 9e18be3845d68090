import { afterAll, beforeAll, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { jsonWire } from "../../support/json-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import { until } from "../../support/until.ts";
import { residentBytes } from "./hub-memory.ts";

const AGENTS = 200;
const SESSIONS_EACH = 10;
/** Of one attempt to open; a refusal is tried again. */
const MOST_ATTEMPTS = 20;
/** The hub answers within this while thousands come at once, on a machine that has other work too. */
const HEALTH_MS = 15_000;

let hub: TestHub;
let agents: readonly TestAgent[];

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_SESSIONS_PER_AGENT: String(SESSIONS_EACH * 3) } });
  agents = await Promise.all(Array.from({ length: AGENTS }, (_, n) => hub.join(`agent-${n}`)));
}, 60_000);
afterAll(() => hub?.[Symbol.asyncDispose]());

/** A reader that comes back when it is cut, and what each of its lives was given. */
class Reader {
  readonly agent: TestAgent;
  client: SessionClient | undefined;
  refusals = 0;
  /** Of the newest life. */
  offsets: number[] = [];
  payloads: string[] = [];

  constructor(agent: TestAgent) {
    this.agent = agent;
  }

  async connect(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      [this.offsets, this.payloads] = [[], []];
      try {
        this.client = await SessionClient.open(
          hub.http,
          jsonWire,
          { token: this.agent.token },
          {
            delivered: (messages) => {
              this.offsets.push(...messages.map(({ offset }) => offset));
              this.payloads.push(...messages.map(({ payload }) => payload));
            },
          },
        );
        return;
      } catch (thrown) {
        // Only a refusal that says so invites another try.
        if (attempt === MOST_ATTEMPTS || !/rate_limited|unavailable/.test(String(thrown))) throw thrown;
        this.refusals += 1;
        await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400));
      }
    }
  }
}

/** Asks for the hub's health until `work` is done; gives the longest wait. */
async function whileHealthy(work: Promise<unknown>): Promise<number> {
  let isDone = false;
  let longestMs = 0;
  const asking = (async () => {
    while (!isDone) {
      const startMs = performance.now();
      expect((await hub.call("GET", "/healthz")).status).toBe(200);
      longestMs = Math.max(longestMs, performance.now() - startMs);
    }
  })();
  try {
    await work;
  } finally {
    isDone = true;
  }
  await asking;
  return longestMs;
}

/** One message to every agent, under a key that makes a repeat harmless. */
async function sendToAll(payload: string): Promise<void> {
  const sender = agents[0];
  await Promise.all(
    agents.map(async ({ agentId }) => {
      const body = { to: agentId, payload, dedupe_key: `${payload}-${agentId}`, receipts: false };
      expect((await sender?.post("/send", body))?.status).toBe(202);
    }),
  );
}

/** Every session was given every message once, in order: none is lost, none comes twice in one life. */
async function expectAllDelivered(readers: readonly Reader[], payloads: readonly string[]): Promise<void> {
  const wanted = payloads.map((payload) => JSON.stringify(payload));
  await until(
    "all deliveries",
    () => readers.every((reader) => reader.payloads.length >= wanted.length),
    20_000,
  );
  for (const { payloads: given, offsets } of readers) {
    expect(given).toEqual(wanted);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    expect(new Set(offsets).size).toBe(offsets.length);
  }
}

test("2,000 sessions that are cut and come back at once, twice, and after the hub was killed", {
  timeout: 120_000,
}, async () => {
  const readers = agents.flatMap((agent) => Array.from({ length: SESSIONS_EACH }, () => new Reader(agent)));
  const connectAll = () => Promise.all(readers.map((reader) => reader.connect()));
  await connectAll();
  await sendToAll("before");
  await expectAllDelivered(readers, ["before"]);

  const sent = ["before"];
  const memory: number[] = [];
  for (const storm of ["first", "second"]) {
    for (const { client } of readers) client?.cut();
    const longestMs = await whileHealthy(Promise.all([connectAll(), sendToAll(storm)]));
    expect(longestMs).toBeLessThan(HEALTH_MS);
    sent.push(storm);
    await expectAllDelivered(readers, sent);
    memory.push(residentBytes(hub.pid).own);
  }
  expect(memory[1]).toBeLessThan((memory[0] ?? 0) * 1.5);

  await hub.kill();
  await hub.start();
  const longestMs = await whileHealthy(Promise.all([connectAll(), sendToAll("after")]));
  expect(longestMs).toBeLessThan(HEALTH_MS);
  await expectAllDelivered(readers, [...sent, "after"]);

  const stats = await agents[0]?.get("/stats");
  expect(stats?.field("online")).toBe(AGENTS);
  for (const { client } of readers) client?.cut();
  await until("the end of all sessions", async () => {
    const metrics = (await hub.admin("GET", "/metrics")).text;
    return /^mesh_deliveries_open 0$/m.test(metrics);
  });
});
