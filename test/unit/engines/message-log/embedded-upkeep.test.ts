import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  compactLog,
  openEmbeddedLog,
  startNewEpoch,
} from "../../../../src/engines/message-log/embedded/index.ts";
import { createMessageIds } from "../../../../src/model/message-id.ts";
import { START } from "../../../../src/model/position.ts";
import type { LogUpkeep } from "../../../../src/ports/log-upkeep.ts";
import type { OpenMessageLog } from "../../../../src/ports/message-log.ts";

type Log = OpenMessageLog & LogUpkeep;

const NOW_MS = 1_800_000_000_000;
const ids = createMessageIds(() => NOW_MS);

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "meshkore-upkeep-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

function openLog(path: string): Promise<Log> {
  const fail = (thrown: unknown) => {
    throw thrown;
  };
  return openEmbeddedLog({
    path,
    durability: "process",
    nowUnixMs: () => NOW_MS,
    onFatal: fail,
    onWatcherError: fail,
  });
}

async function append(log: Log, stream: string, ...texts: readonly string[]): Promise<void> {
  await Promise.all(texts.map((text) => log.append(stream, { id: ids(), bytes: Buffer.from(text) })));
}

async function textsAfter(log: Log, stream: string, from = START) {
  const page = await log.read(stream, { from, limit: 100 });
  return page.gap ? "gap" : page.records.map(({ bytes }) => Buffer.from(bytes).toString());
}

/** A copy of the log's state of now, put back as a restore does. */
async function restored(log: Log, nowMs = NOW_MS): Promise<string> {
  const path = await folder();
  await log.copyTo(path);
  await startNewEpoch(path, nowMs);
  return path;
}

test("a copy holds what was there before it, though it is written on meanwhile", async () => {
  await using log = await openLog(await folder());
  await append(log, "inbox/bob", "a", "b", "c");
  await log.ack("inbox/bob", "inbox", { epoch: 1, offset: 1 });
  const path = await folder();
  await Promise.all([log.copyTo(path), append(log, "inbox/bob", "d"), append(log, "inbox/eve", "e")]);
  await using copy = await openLog(path);
  expect((await textsAfter(copy, "inbox/bob")).slice(0, 3)).toEqual(["a", "b", "c"]);
  expect((await copy.acked("inbox/bob", "inbox")).offset).toBe(1);
});

test("a log that is closed ends the copy under way first", async () => {
  const log = await openLog(await folder());
  for (let n = 0; n < 20; n++) await append(log, "inbox/bob", "x".repeat(200_000));
  const path = await folder();
  const copied = log.copyTo(path);
  await Promise.all([copied, log[Symbol.asyncDispose]()]);
  await using copy = await openLog(path);
  expect(await textsAfter(copy, "inbox/bob")).toHaveLength(5);
  expect((await copy.read("inbox/bob", { from: START, limit: 0 })).end.offset).toBe(20);
});

test("after a restore positions of before it stay good, and what was seen beyond is a gap", async () => {
  await using log = await openLog(await folder());
  await append(log, "inbox/bob", "a", "b", "c");
  await log.ack("inbox/bob", "inbox", { epoch: 1, offset: 1 });
  const path = await restored(log);
  await append(log, "inbox/bob", "lost");
  await append(log, "inbox/new", "lost too");

  await using copy = await openLog(path);
  expect(await textsAfter(copy, "inbox/bob", { epoch: 1, offset: 2 })).toEqual(["c"]);
  expect(await textsAfter(copy, "inbox/bob", { epoch: 1, offset: 3 })).toEqual([]);
  expect(await textsAfter(copy, "inbox/bob", { epoch: 1, offset: 4 })).toBe("gap");
  expect(await textsAfter(copy, "inbox/new", { epoch: 1, offset: 1 })).toBe("gap");
  const mark = await copy.acked("inbox/bob", "inbox");
  expect(await textsAfter(copy, "inbox/bob", mark)).toEqual(["b", "c"]);

  await append(copy, "inbox/bob", "d", "e");
  expect(await textsAfter(copy, "inbox/bob", { epoch: 1, offset: 4 })).toBe("gap");
  expect(await textsAfter(copy, "inbox/bob", { epoch: 1, offset: 3 })).toEqual(["d", "e"]);
  expect(await textsAfter(copy, "inbox/bob")).toEqual(["a", "b", "c", "d", "e"]);
  const { records, end } = await copy.read("inbox/bob", { from: START, limit: 100, direction: "backward" });
  expect(records.map(({ offset }) => offset)).toEqual([5, 4, 3, 2, 1]);
  expect(new Set(records.map(({ epoch }) => epoch))).toEqual(new Set([end.epoch]));
  await expect(copy.ack("inbox/bob", "inbox", { epoch: 1, offset: 4 })).rejects.toMatchObject({
    code: "gap",
  });
  expect(await copy.ack("inbox/bob", "inbox", { epoch: 1, offset: 3 })).toMatchObject({ offset: 3 });
});

test("a second restore of the same copy takes no position of the first one", async () => {
  await using log = await openLog(await folder());
  await append(log, "inbox/bob", "a");
  const first = await openLog(await restored(log, NOW_MS));
  await append(first, "inbox/bob", "b");
  const { end } = await first.read("inbox/bob", { from: START, limit: 0 });
  const second = await openLog(await restored(log, NOW_MS + 1000));
  await append(second, "inbox/bob", "other", "and more");
  expect(await textsAfter(second, "inbox/bob", end)).toBe("gap");
  const third = await openLog(await restored(second, NOW_MS + 2000));
  expect(await textsAfter(third, "inbox/bob", { epoch: 1, offset: 1 })).toEqual(["other", "and more"]);
  for (const one of [first, second, third]) await one[Symbol.asyncDispose]();
});

test("rewriting keeps positions, ids and what it does not mean, and is durable", async () => {
  const path = await folder();
  const log = await openLog(path);
  const found = ids();
  await append(log, "inbox/bob", "keep", "SECRET one");
  await log.append("inbox/bob", { id: found, bytes: Buffer.from("SECRET two") });
  await append(log, "channel/room", "SECRET three", "keep too");
  const isSecret = (bytes: Uint8Array) => Buffer.from(bytes).toString().startsWith("SECRET");
  const change = (_: string, { bytes }: { bytes: Uint8Array }) =>
    isSecret(bytes) ? Buffer.from("gone") : undefined;
  expect(await log.rewrite(change)).toBe(3);
  expect(await log.rewrite(change)).toBe(0);
  expect(await textsAfter(log, "inbox/bob")).toEqual(["keep", "gone", "gone"]);
  await append(log, "inbox/bob", "next");
  await log[Symbol.asyncDispose]();
  await using again = await openLog(path);
  expect(await textsAfter(again, "inbox/bob")).toEqual(["keep", "gone", "gone", "next"]);
  expect(await textsAfter(again, "channel/room")).toEqual(["gone", "keep too"]);
  expect(await again.locate(found)).toEqual({ stream: "inbox/bob", position: { epoch: 1, offset: 3 } });
});

test("what was trimmed while records are rewritten does not come back", async () => {
  await using log = await openLog(await folder());
  for (let n = 0; n < 300; n++) await append(log, "inbox/bob", `SECRET ${n}`);
  const change = () => Buffer.from("gone");
  await Promise.all([log.rewrite(change), log.trim("inbox/bob", Number.POSITIVE_INFINITY)]);
  await append(log, "inbox/bob", "after");
  expect(await textsAfter(log, "inbox/bob")).toEqual(["after"]);
});

test("compaction leaves nothing of what was rewritten or trimmed in the files", async () => {
  const path = await folder();
  const log = await openLog(path);
  await append(log, "inbox/bob", "SECRET one", "keep");
  await append(log, "inbox/eve", "SECRET two");
  await log.rewrite((_, { bytes }) => (Buffer.from(bytes).includes("one") ? Buffer.from("gone") : undefined));
  await log.trim("inbox/eve", Number.POSITIVE_INFINITY);
  await log[Symbol.asyncDispose]();
  const file = join(path, "data.mdb");
  expect((await readFile(file)).includes("SECRET"), "the test could not fail otherwise").toBe(true);
  await mkdir(join(path, "compacted.tmp"));
  await compactLog(path);
  expect((await readFile(file)).includes("SECRET")).toBe(false);
  await using again = await openLog(path);
  expect(await textsAfter(again, "inbox/bob")).toEqual(["gone", "keep"]);
  expect((await again.read("inbox/eve", { from: START, limit: 0 })).end.offset).toBe(1);
});

test("a backlog is what is kept and not acknowledged", async () => {
  await using log = await openLog(await folder());
  expect(await log.backlog("inbox/bob")).toEqual({ records: 0, bytes: 0 });
  await append(log, "inbox/bob", "12345", "1234567");
  expect(await log.backlog("inbox/bob")).toEqual({ records: 2, bytes: 12 });
  await log.ack("inbox/bob", "inbox", { epoch: 1, offset: 1 });
  expect(await log.backlog("inbox/bob")).toEqual({ records: 1, bytes: 7 });
  await log.trim("inbox/bob", Number.POSITIVE_INFINITY);
  expect(await log.backlog("inbox/bob")).toEqual({ records: 0, bytes: 0 });
});

test("dedupe keys that are meant are forgotten, others are not", async () => {
  await using log = await openLog(await folder());
  const dedupe = { key: "alice\nonce", windowMs: 60_000 };
  for (const stream of ["inbox/bob", "inbox/eve"]) {
    await log.append(stream, { id: ids(), bytes: Buffer.from("a"), dedupe });
  }
  await log.forgetKeys((stream, key) => stream === "inbox/bob" && key === "alice\nonce");
  const isRepeat = async (stream: string) =>
    (await log.append(stream, { id: ids(), bytes: Buffer.from("b"), dedupe })).duplicate;
  expect(await isRepeat("inbox/bob")).toBe(false);
  expect(await isRepeat("inbox/eve")).toBe(true);
});
