/**
 * Appends and trims without a pause, so that the store writes freed pages again and again, and checks what is kept.
 * By hand: `node test/soak/log-churn.ts [seconds] [seed] [power|process]`. Anything that LMDB says on stderr counts.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedLog } from "../../src/engines/message-log/embedded/index.ts";
import { createMessageIds } from "../../src/model/message-id.ts";
import { START } from "../../src/model/position.ts";
import type { MessageLog, OpenMessageLog } from "../../src/ports/message-log.ts";
import { createRandom } from "./log-random.ts";

const STREAMS = 200;
const WRITERS = 128;
const KEPT_MS = 1500;
const CHECK_EVERY_MS = 3000;

const [seconds = "60", seed = String(Date.now()), durability = "process"] = process.argv.slice(2);
const path = await mkdtemp(join(tmpdir(), "meshkore-churn-"));
const random = createRandom(seed);
const nextId = createMessageIds(Date.now);
const endMs = performance.now() + Number(seconds) * 1000;
let appended = 0;
let trimmed = 0;

function open(): Promise<OpenMessageLog> {
  return openEmbeddedLog({
    path,
    durability: durability === "power" ? "power" : "process",
    nowUnixMs: Date.now,
    onFatal: (error) => {
      throw error;
    },
    onWatcherError: (thrown) => {
      throw thrown;
    },
    stateCapacity: STREAMS / 2,
  });
}

/** Sizes from a few bytes to several pages, now and then large. */
function size(): number {
  const kind = random(100);
  if (kind === 0) return 50_000 + random(200_000);
  return kind < 20 ? 3000 + random(9000) : 50 + random(900);
}

async function write(log: MessageLog, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    const stream = `inbox/${random(STREAMS)}`;
    const id = nextId();
    const bytes = Buffer.alloc(size(), id);
    const dedupe = random(5) === 0 ? { key: id, windowMs: KEPT_MS } : undefined;
    const { offset, epoch } = await log.append(stream, {
      id,
      bytes,
      ...(dedupe === undefined ? {} : { dedupe }),
    });
    appended++;
    if (random(10) === 0) await log.ack(stream, "inbox", { epoch, offset });
  }
}

async function trimAll(log: MessageLog, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    const count = await log.trim(`inbox/${random(STREAMS)}`, Date.now() - KEPT_MS);
    trimmed += count;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Every record holds its id over and over, offsets are dense, and a sample is found by its id. */
async function check(log: MessageLog): Promise<number> {
  let records = 0;
  for (let number = 0; number < STREAMS; number++) {
    const stream = `inbox/${number}`;
    let from = START;
    let expected = (await log.read(stream, { from, limit: 0 })).first.offset;
    for (;;) {
      const page = await log.read(stream, { from, limit: 500, maxBytes: 16_000_000 });
      const last = page.records.at(-1);
      if (last === undefined) {
        if (page.gap || expected !== page.end.offset + 1) throw new Error(`${stream} ends at ${expected}`);
        break;
      }
      for (const { offset, bytes } of page.records) {
        const id = Buffer.from(bytes).toString("latin1", 0, 36);
        if (offset !== expected++) throw new Error(`${stream} ${offset} is not dense`);
        if (!Buffer.alloc(bytes.length, id).equals(bytes)) throw new Error(`${stream} ${offset} is damaged`);
        if (++records % 100 !== 0) continue;
        const found = await log.locate(id);
        if (found?.stream !== stream || found.position.offset !== offset)
          throw new Error(`${id} is not found`);
      }
      from = { epoch: last.epoch, offset: last.offset };
    }
  }
  return records;
}

try {
  while (performance.now() < endMs) {
    const log = await open();
    const untilMs = Math.min(endMs, performance.now() + CHECK_EVERY_MS);
    const writers = Array.from({ length: WRITERS }, () => write(log, untilMs));
    await Promise.all([...writers, trimAll(log, untilMs), trimAll(log, untilMs)]);
    const records = await check(log);
    await log[Symbol.asyncDispose]();
    if (records !== appended - trimmed)
      throw new Error(`${appended} - ${trimmed} records are kept, not ${records}`);
    const fileMib = Math.round((await stat(join(path, "data.mdb"))).size / 1_048_576);
    console.log(
      `seed ${seed}: ${appended} appended, ${trimmed} trimmed, ${records} checked, file ${fileMib} MiB`,
    );
  }
} finally {
  await rm(path, { recursive: true, force: true });
}
