import { parseArgs } from "node:util";
import { runCli } from "../integration/cli/cli-process.ts";
import { BatchSender } from "../integration/survival/batch-sender.ts";
import { ADMIN_TOKEN, type TestHub, withHub } from "../support/hub.ts";
import { INSPECTABLE, Inspector } from "../support/inspector.ts";

const USAGE = `node test/soak/backup-delay.ts [options]: how long a backup holds up the hub's event loop
  --messages 200000   stored before
  --inboxes 1000      that they are spread over
  --bytes 512         of a payload, about
  --backups 5         one after the other
`;
const BATCH = 500;
const JOINED_AT_ONCE = 50;
const MIB = 1_048_576;

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "200000" },
    inboxes: { type: "string", default: "1000" },
    bytes: { type: "string", default: "512" },
    backups: { type: "string", default: "5" },
    help: { type: "boolean", default: false },
  },
});

/** As an operator's hub is after a while. */
async function fill(hub: TestHub, messages: number, inboxes: number): Promise<void> {
  for (let from = 0; from < inboxes; from += JOINED_AT_ONCE) {
    const count = Math.min(JOINED_AT_ONCE, inboxes - from);
    await Promise.all(Array.from({ length: count }, (_, at) => hub.join(`reader-${from + at}`)));
  }
  const sender = await BatchSender.open(hub, await hub.join("writer"));
  const payload = JSON.stringify("x".repeat(Number(values.bytes)));
  for (let from = 0; from < messages; from += BATCH) {
    const drafts = Array.from({ length: Math.min(BATCH, messages - from) }, (_, at) => ({
      to: `reader-${(from + at) % inboxes}`,
      payload,
      receipts: false,
    }));
    await sender.sendAll(drafts, BATCH);
  }
  await sender.close();
}

/** Runs `use`, and gives how long it took and the longest that the hub's loop was late meanwhile. */
async function longestDelay(inspector: Inspector, use: () => Promise<unknown>) {
  await inspector.evaluate("loopDelay.reset()");
  const fromMs = performance.now();
  await use();
  const tookMs = performance.now() - fromMs;
  // What a measure holds of the timer's own period is no delay.
  const maxMs = Number(await inspector.evaluate("loopDelay.max / 1e6 - 1"));
  return { tookMs: Math.round(tookMs), maxMs: maxMs.toFixed(1) };
}

async function measure(hub: TestHub): Promise<void> {
  await fill(hub, Number(values.messages), Number(values.inboxes));
  const inspector = await Inspector.open(hub);
  await inspector.evaluate(`globalThis.loopDelay =
    process.getBuiltinModule("node:perf_hooks").monitorEventLoopDelay({ resolution: 1 }); loopDelay.enable()`);
  const env = { MESHKORE_URL: hub.http, MESHKORE_ADMIN_TOKEN: ADMIN_TOKEN };
  // The code of the native services is loaded with the first call of any of them: no matter of the backup.
  await runCli(["top", "--once"], { env });
  for (let count = 1; count <= Number(values.backups); count++) {
    const rest = await longestDelay(inspector, () => new Promise((resolve) => setTimeout(resolve, 2000)));
    let bytes = 0;
    const { tookMs, maxMs } = await longestDelay(inspector, async () => {
      const { code, out, err } = await runCli(["--json", "backup", "--name", `number-${count}`], { env });
      if (code !== 0) throw new Error(err);
      ({ bytes } = JSON.parse(out));
    });
    console.log(
      `backup ${count}: ${(bytes / MIB).toFixed(0)} MiB in ${tookMs} ms, the command's own start included; ` +
        `loop late by ${maxMs} ms at most, at rest by ${rest.maxMs} ms`,
    );
  }
  inspector.close();
}

if (values.help) process.stdout.write(USAGE);
else await withHub({ env: { NODE_OPTIONS: INSPECTABLE } }, measure);
