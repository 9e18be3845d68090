/**
 * How fast the embedded log is on this machine: appends a second by concurrent writers, and read pages a second.
 * Not a test: run it by hand, `node test/soak/log-throughput.ts [power|process] [seconds]`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedLog } from "../../src/engines/message-log/embedded/index.ts";
import { createMessageIds } from "../../src/model/message-id.ts";
import { START } from "../../src/model/position.ts";
import type { OpenMessageLog } from "../../src/ports/message-log.ts";

const durability = process.argv[2] === "process" ? "process" : "power";
const seconds = Number(process.argv[3] ?? 3);
const newMessageId = createMessageIds(Date.now);
const payload = new Uint8Array(512).fill(7);

async function appendRate(log: OpenMessageLog, writers: number, streams: number): Promise<string> {
  const latenciesMs: number[] = [];
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const stream = `inbox/agent-${writers}-${writer % streams}`;
      while (performance.now() < end) {
        const startMs = performance.now();
        await log.append(stream, {
          id: newMessageId(),
          bytes: payload,
          bound: { records: 1e9, bytes: 1e12 },
        });
        latenciesMs.push(performance.now() - startMs);
      }
    }),
  );
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): string => (latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0).toFixed(2);
  return `${Math.round(latenciesMs.length / seconds)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

async function readRate(log: OpenMessageLog, stream: string, limit: number): Promise<string> {
  const { end } = await log.read(stream, { from: START, limit: 0 });
  let pages = 0;
  let records = 0;
  let from = { epoch: end.epoch, offset: 0 };
  const startMs = performance.now();
  while (performance.now() - startMs < seconds * 1000) {
    const page = await log.read(stream, { from, limit });
    pages++;
    records += page.records.length;
    const last = page.records.at(-1);
    from = { epoch: end.epoch, offset: last === undefined || last.offset >= end.offset ? 0 : last.offset };
  }
  return `${Math.round(pages / seconds)} pages/s, ${Math.round(records / seconds)} records/s`;
}

const path = mkdtempSync(join(tmpdir(), "meshkore-log-"));
const log = await openEmbeddedLog({
  path,
  durability,
  nowUnixMs: Date.now,
  onFatal: (error) => console.error(error),
  onWatcherError: (thrown) => console.error(thrown),
});
for (const [writers, streams] of [
  [1, 1],
  [16, 16],
  [256, 256],
  [256, 1],
] as const) {
  console.log(
    `${durability}, ${writers} writers on ${streams} streams:`,
    await appendRate(log, writers, streams),
  );
}
for (const limit of [1, 100]) {
  console.log(`read pages of ${limit}, single-record chunks:`, await readRate(log, "inbox/agent-1-0", limit));
  console.log(`read pages of ${limit}, batched chunks:`, await readRate(log, "inbox/agent-256-0", limit));
}
await log[Symbol.asyncDispose]();
rmSync(path, { recursive: true });
