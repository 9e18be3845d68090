import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bringToFormat } from "../../../../src/engines/data-dir/format-file.ts";
import { UPGRADES, type Upgrade } from "../../../../src/engines/data-dir/upgrades.ts";

async function directoryOfFormat(format: number): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "meshkore-upgrade-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  await writeFile(join(path, "VERSION"), `{"format":${format}}\n`);
  await mkdir(join(path, "log"));
  await writeFile(join(path, "log", "data"), "as it was");
  return path;
}

const text = (...parts: readonly string[]) => readFile(join(...parts), "utf8");

/** A step that rewrites a file, and fails as often as it is told, in the middle. */
function rewriting(from: number, failures: { left: number }): Upgrade {
  return {
    from,
    what: "rewritten",
    async run(path) {
      await writeFile(join(path, "log", "data"), `${await text(path, "log", "data")}+${from}`);
      if (failures.left-- > 0) throw new Error("cut off");
      await writeFile(join(path, "log", "data"), `whole ${from + 1}`);
    },
  };
}

test("the table has no hole", () => {
  expect(UPGRADES.map(({ from }) => from)).toEqual(UPGRADES.map((_, index) => index + 1));
});

test("a step that rewrites keeps a copy of what was before, also when it is cut off and taken again", async () => {
  const path = await directoryOfFormat(1);
  const steps = [rewriting(1, { left: 1 }), rewriting(2, { left: 1 })];
  await expect(bringToFormat(path, steps)).rejects.toThrow("cut off");
  expect(await text(path, "VERSION")).toContain("1");
  await expect(bringToFormat(path, steps)).rejects.toThrow("cut off");
  expect(await text(path, "VERSION"), "the first step is done").toContain("2");
  expect(await bringToFormat(path, steps)).toEqual(["format 2 to 3: rewritten"]);
  expect(await text(path, "log", "data")).toBe("whole 3");
  expect(await text(path, "backups", "before-format-2", "log", "data")).toBe("as it was");
  expect(await text(path, "backups", "before-format-3", "log", "data")).toBe("whole 2");
  expect((await readdir(join(path, "backups"))).toSorted()).toEqual(["before-format-2", "before-format-3"]);
  expect(await bringToFormat(path, steps)).toEqual([]);
});

test("a copy that was cut off is made again", async () => {
  const path = await directoryOfFormat(1);
  await mkdir(join(path, "backups", ".before-format-2.tmp", "log"), { recursive: true });
  await writeFile(join(path, "backups", ".before-format-2.tmp", "log", "half"), "");
  await bringToFormat(path, [rewriting(1, { left: 0 })]);
  expect(await readdir(join(path, "backups", "before-format-2", "log"))).toEqual(["data"]);
});
