import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type Environment,
  openEnvironment,
} from "../../../../src/engines/message-log/embedded/environment.ts";
import { GroupCommit } from "../../../../src/engines/message-log/embedded/group-commit.ts";
import { openEmbeddedLog } from "../../../../src/engines/message-log/embedded/index.ts";
import { dirtyReaders } from "../../../../src/engines/message-log/embedded/stream-state.ts";
import { StreamTable } from "../../../../src/engines/message-log/embedded/stream-table.ts";
import { MeshError } from "../../../../src/model/errors.ts";
import { createMessageIds } from "../../../../src/model/message-id.ts";

const nextId = createMessageIds(Date.now);

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "meshkore-log-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A group commit over an environment whose commits can be made to fail. */
async function commitsOver(fail: (env: Environment) => Environment["commit"]) {
  const env = await openEnvironment(await folder(), "process");
  onTestFinished(() => env.close());
  const broken: Environment = { ...env, commit: fail(env) };
  const table = new StreamTable(broken, 10);
  const onFatal = vi.fn();
  const commits = new GroupCommit(broken, table, {
    nowUnixMs: Date.now,
    onFatal,
    onWatcherError: () => undefined,
  });
  const append = (text: string) =>
    commits.append(table.get("inbox/a"), { id: nextId(), bytes: Buffer.from(text) });
  return { append, onFatal, commits, table };
}

describe("a commit of the embedded log that fails", () => {
  it("refuses its records without a hole, and the next one goes on", async () => {
    let isBroken = false;
    const { append, onFatal } = await commitsOver((env) => async (write) => {
      if (isBroken) throw new MeshError("storage_full", "full");
      await env.commit(write);
    });
    expect((await append("one")).offset).toBe(1);
    isBroken = true;
    const refused = await Promise.allSettled([append("two"), append("three")]);
    for (const one of refused) expect(one).toMatchObject({ reason: { code: "storage_full" } });
    isBroken = false;
    expect((await append("two again")).offset).toBe(2);
    expect(onFatal).not.toHaveBeenCalled();
  });

  it("keeps a moved mark to write it with the next commit", async () => {
    let isBroken = false;
    const { append, commits, table } = await commitsOver((env) => async (write) => {
      if (isBroken) throw new MeshError("storage_full", "full");
      await env.commit(write);
    });
    await append("one");
    const state = table.get("inbox/a");
    isBroken = true;
    const mark = { epoch: 1, offset: 1, atUnixMs: 5 };
    await expect(commits.moveMark(state, "inbox", mark)).rejects.toMatchObject({ code: "storage_full" });
    expect(dirtyReaders(state)).toContain("inbox");
    isBroken = false;
    await commits.marksSaved();
    expect(dirtyReaders(state)).toEqual([]);
  });

  it("stops the log when the records are there nevertheless", async () => {
    let isBroken = false;
    const { append, onFatal } = await commitsOver((env) => async (write) => {
      await env.commit(write);
      if (isBroken) throw new MeshError("unavailable", "the flush failed");
    });
    await append("one");
    isBroken = true;
    const first = append("two");
    await expect(first).rejects.toMatchObject({ code: "unavailable" });
    expect(onFatal).toHaveBeenCalledOnce();
    isBroken = false;
    await expect(append("three")).rejects.toMatchObject({ code: "unavailable" });
  });

  it("stops the log when putting it together failed half way", async () => {
    const { append, onFatal } = await commitsOver(
      (env) => (write) =>
        env.commit(() => {
          write();
          throw new RangeError("a mistake");
        }),
    );
    await expect(append("one")).rejects.toMatchObject({ code: "internal" });
    expect(onFatal).toHaveBeenCalledOnce();
    await expect(append("two")).rejects.toBeInstanceOf(MeshError);
  });
});

describe("the folder of an embedded log", () => {
  it("can be opened with another durability than before", async () => {
    const path = await folder();
    let expected = 0;
    for (const durability of ["power", "process", "power", "process"] as const) {
      const log = await openEmbeddedLog({
        path,
        durability,
        nowUnixMs: Date.now,
        onFatal: () => undefined,
        onWatcherError: () => undefined,
      });
      expected++;
      expect((await log.append("inbox/a", { id: nextId(), bytes: Buffer.from("m") })).offset).toBe(expected);
      await log[Symbol.asyncDispose]();
    }
  });
});
