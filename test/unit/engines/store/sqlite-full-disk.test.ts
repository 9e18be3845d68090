import { closeSync, openSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, type TestContext } from "vitest";
import type { Stores } from "../../../../src/ports/stores.ts";
import { agentRecord, inviteRecord, joinAgents, NOW_MS } from "../../../suites/store/store-fixture.ts";
import { mountSmallDisk, type SmallDisk } from "./small-disk.ts";
import { openStores } from "./sqlite-database.ts";

const DISK_BYTES = 6 * 1024 * 1024;
const NOTE = "x".repeat(20_000);

it("says storage_full, keeps what it has, and works again once there is room", {
  timeout: 30_000,
}, async (context) => {
  const disk = await smallDisk(context);
  const path = join(disk.path, "store.sqlite");
  const stores = await openStores(path);
  try {
    await joinAgents(stores, "alice");
    fillDisk(disk);
    const kept = await addUntilFull(stores);
    const refused = `m${kept.length}`;
    expect(await stores.outcomes.find(refused)).toBeUndefined();
    expect(await stores.agents.find("alice"), "reading goes on").toBeDefined();
    await expectTransactionsToFail(stores);

    await rm(join(disk.path, "filler"));
    expect(await stores.outcomes.add([outcome(refused)])).toHaveLength(1);
    await joinAgents(stores, "carol");
    for (const id of [...kept, refused]) expect(await stores.outcomes.find(id), id).toBeDefined();
    expect(await stores.agents.find("bob")).toBeUndefined();
  } finally {
    await stores[Symbol.asyncDispose]();
    await disk.remove();
  }
});

it("says storage_full when it cannot be made at all", async (context) => {
  const disk = await smallDisk(context);
  try {
    fillDisk(disk);
    const opening = openStores(join(disk.path, "store.sqlite"));
    await expect(opening).rejects.toMatchObject({ code: "storage_full", hint: expect.any(String) });
    await rm(join(disk.path, "filler"));
    const stores = await openStores(join(disk.path, "store.sqlite"));
    await joinAgents(stores, "alice");
    await stores[Symbol.asyncDispose]();
  } finally {
    await disk.remove();
  }
});

async function smallDisk(context: TestContext): Promise<SmallDisk> {
  return (await mountSmallDisk(DISK_BYTES)) ?? context.skip("no right to mount a small disk");
}

function fillDisk(disk: SmallDisk): void {
  const file = openSync(join(disk.path, "filler"), "w");
  try {
    for (let size = 65_536; size >= 1; size = size > 1 ? size / 2 : 0) writeWhileThereIsRoom(file, size);
  } finally {
    closeSync(file);
  }
}

function writeWhileThereIsRoom(file: number, sizeBytes: number): void {
  const block = Buffer.alloc(sizeBytes);
  try {
    while (writeSync(file, block) === sizeBytes);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOSPC")) throw thrown;
  }
}

/** The log may have room for some more: gives the ids that were written. */
async function addUntilFull(stores: Stores): Promise<readonly string[]> {
  const kept: string[] = [];
  for (;;) {
    const id = `m${kept.length}`;
    const failure = await stores.outcomes.add([outcome(id)]).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) {
      expect(failure).toMatchObject({ code: "storage_full", hint: expect.any(String), retryAfterS: 30 });
      return kept;
    }
    kept.push(id);
  }
}

async function expectTransactionsToFail(stores: Stores): Promise<void> {
  const description = NOTE.repeat(5);
  const profile = agentRecord("alice", { description }).profile;
  await expect(stores.agents.setProfile("alice", profile)).rejects.toMatchObject({ code: "storage_full" });
  const invite = inviteRecord("n", { capabilities: [NOTE] });
  const failures = await Promise.allSettled([
    stores.invites.create(invite),
    stores.outcomes.add([outcome("late-1")]),
    stores.outcomes.add([outcome("late-2")]),
    stores.channels.create(
      { channelId: "team", ownerId: "alice", description, isPrivate: false, createdUnixMs: NOW_MS },
      ["alice"],
    ),
  ]);
  for (const failure of failures) {
    expect(failure).toMatchObject({ status: "rejected", reason: { code: "storage_full" } });
  }
  expect(await stores.channels.find("team")).toBeUndefined();
}

function outcome(messageId: string) {
  const state = "failed" as const;
  return { messageId, senderId: "alice", receiver: "bob", state, note: NOTE, atUnixMs: NOW_MS };
}
