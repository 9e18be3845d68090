import { until } from "../../support/until.ts";
import { HonestPair } from "../oracle/honest-pair.ts";
import { openFiles, type Vitals, vitalsOf } from "../oracle/vitals.ts";
import type { Target } from "../target.ts";
import { throwInput } from "../throw-input.ts";
import { playSlowly, type SlowResult, type SlowScenario } from "./scenario.ts";

const MIB = 1_048_576;
const RELEASE_MS = 30_000;
const CHURNED = 5000;
const CHURN_AT_ONCE = 50;
/** Kernel buffers aside: answers that wait for their readers are held, up to their bound each. */
const PEAK_SLACK_BYTES = 300 * MIB;

export interface SlowRun {
  readonly results: readonly SlowResult[];
  readonly findings: readonly string[];
  readonly peakBytes: number;
  readonly before: Vitals;
  readonly after: Vitals;
}

/** All scenarios at the same time, and connections that come and go, while honest agents talk on. */
export async function runSlow(target: Target, scenarios: readonly SlowScenario[]): Promise<SlowRun> {
  const { hub } = target;
  await fillInbox(target);
  const honest = await HonestPair.open(target);
  await honest.roundTrip();
  const before = await vitalsOf(hub);
  let peakBytes = before.residentBytes;
  const watching = setInterval(() => {
    void vitalsOf(hub).then(
      ({ residentBytes }) => {
        peakBytes = Math.max(peakBytes, residentBytes);
      },
      () => undefined,
    );
  }, 2000);
  const [played] = await Promise.all([
    Promise.all(scenarios.map((scenario) => playSlowly(scenario, target))),
    churn(target),
    honest.roundTrip(),
  ]);
  clearInterval(watching);
  await until("their files closed", () => openFiles(hub.pid) <= before.files + 5, RELEASE_MS).catch(
    () => undefined,
  );
  const after = await vitalsOf(hub);
  const results = played.filter((result) => result !== undefined);
  const findings = results
    .filter(({ left }) => left > 0)
    .map(({ name, left, opened }) => `${name}: ${left} of ${opened} connections are still open`);
  if (openFiles(hub.pid) > before.files + 5)
    findings.push(`${openFiles(hub.pid)} files are open, ${before.files} were before`);
  if (peakBytes > before.residentBytes + PEAK_SLACK_BYTES)
    findings.push(`the hub took ${Math.round(peakBytes / MIB)} MiB`);
  findings.push(...(await honest.settle()));
  return { results, findings, peakBytes, before, after };
}

/** Something large to read, for those who do not. */
async function fillInbox({ hub, secrets }: Target): Promise<void> {
  for (let count = 0; count < 16; count++) {
    const body = { to: "mallory", payload: "x".repeat(500_000), receipts: false };
    const { status, text } = await hub.call("POST", "/send", { token: secrets.token, body });
    if (status !== 202) throw new Error(`the inbox was not filled: ${status} ${text}`);
  }
}

async function churn({ ports, secrets, isTls }: Target): Promise<void> {
  const input = {
    label: "",
    segments: [Buffer.from("GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")],
    mustAnswer: true,
  };
  const door = { port: ports.http, alpn: isTls ? "http/1.1" : undefined };
  for (let done = 0; done < CHURNED; done += CHURN_AT_ONCE) {
    await Promise.all(Array.from({ length: CHURN_AT_ONCE }, () => throwInput(door, input, secrets)));
  }
}
