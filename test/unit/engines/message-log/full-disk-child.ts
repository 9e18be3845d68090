/**
 * Fills the disk under an embedded log, frees it again, and tells as JSON on stdout what happened. That it ends
 * with code 0 shows that neither the full disk nor an unhandled rejection ended the process.
 *
 * Arguments: an empty folder on a small disk, durability.
 */
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openEmbeddedLog } from "../../../../src/engines/message-log/embedded/index.ts";
import { meshErrorFromUnknown } from "../../../../src/model/errors.ts";
import { createMessageIds } from "../../../../src/model/message-id.ts";
import { START } from "../../../../src/model/position.ts";
import type { OpenMessageLog } from "../../../../src/ports/message-log.ts";

const BALLAST_BYTES = 20_000_000;
/** What is left when the disk is filled to the brim. */
const BRIM_BYTES = 2_000_000;
const OLD_RECORDS = 400;
const RECORD_BYTES = 20_000;
const BURST = 40;

const [disk = "", durability] = process.argv.slice(2);
const ballast = join(disk, "ballast");
const brim = join(disk, "brim");
const nextId = createMessageIds(Date.now);
const stored: string[] = [];
let fatals = 0;

function open(): Promise<OpenMessageLog> {
  return openEmbeddedLog({
    path: join(disk, "log"),
    durability: durability === "process" ? "process" : "power",
    nowUnixMs: Date.now,
    onFatal: () => fatals++,
    onWatcherError: () => undefined,
  });
}

/** `stored`, or the code of the error. */
async function append(log: OpenMessageLog): Promise<string> {
  const id = nextId();
  const bytes = Buffer.alloc(RECORD_BYTES, ".");
  bytes.write(id);
  try {
    const { offset } = await log.append("inbox/a", { id, bytes });
    stored[offset - 1] = id;
    return "stored";
  } catch (thrown) {
    return meshErrorFromUnknown(thrown).code;
  }
}

async function burst(log: OpenMessageLog): Promise<string[]> {
  return [...new Set(await Promise.all(Array.from({ length: BURST }, () => append(log))))].sort();
}

async function ack(log: OpenMessageLog, offset: number): Promise<string> {
  try {
    await log.ack("inbox/a", "inbox", { epoch: 1, offset });
    return "stored";
  } catch (thrown) {
    return meshErrorFromUnknown(thrown).code;
  }
}

/** Whether the log holds what was answered, no more and no less. */
async function isWhole(log: OpenMessageLog): Promise<boolean> {
  const found: string[] = [];
  let from = START;
  for (;;) {
    const { records } = await log.read("inbox/a", { from, limit: 50 });
    const last = records.at(-1);
    if (last === undefined) return found.join() === stored.join();
    found.push(...records.map(({ bytes }) => Buffer.from(bytes).toString("latin1", 0, 36)));
    from = { epoch: last.epoch, offset: last.offset };
  }
}

/** Until the log says that it is full. */
async function fill(log: OpenMessageLog): Promise<void> {
  while ((await append(log)) === "stored");
}

function fillToTheBrim(): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(brim, Buffer.alloc(bavail * bsize - BRIM_BYTES));
}

async function fillOldStream(log: OpenMessageLog): Promise<void> {
  const bytes = Buffer.alloc(RECORD_BYTES);
  for (let number = 0; number < OLD_RECORDS; number++) await log.append("inbox/old", { id: nextId(), bytes });
}

async function main(): Promise<object> {
  writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES));
  let log = await open();
  await fillOldStream(log);
  await fill(log);
  const fullAppends = [...new Set([await burst(log), await burst(log)].flat())];
  const fullAck = await ack(log, 2);
  fillToTheBrim();
  const brimAppends = await burst(log);
  const brimAck = await ack(log, 5);
  const readWhileFull = await isWhole(log);
  await log[Symbol.asyncDispose]();
  log = await open();
  const reopenedWhileFull = await isWhole(log);
  const markWhileFull = (await log.acked("inbox/a", "inbox")).offset;
  rmSync(brim);
  const trimmed = await log.trim("inbox/old", Number.POSITIVE_INFINITY);
  const trimmedAppends = await burst(log);
  await fill(log);
  rmSync(ballast);
  const freeAppends = [...(await burst(log)), ...(await burst(log))];
  const freeAcks = [await ack(log, 5), await ack(log, 2)];
  const readAfter = await isWhole(log);
  await log[Symbol.asyncDispose]();
  log = await open();
  const mark = (await log.acked("inbox/a", "inbox")).offset;
  const reopenedAfter = await isWhole(log);
  await log[Symbol.asyncDispose]();
  return {
    ...{ fullAppends, fullAck, brimAppends, brimAck, readWhileFull, reopenedWhileFull, markWhileFull },
    ...{ trimmed, trimmedAppends, freeAppends, freeAcks, readAfter, reopenedAfter, mark, fatals },
  };
}

console.log(JSON.stringify(await main()));
