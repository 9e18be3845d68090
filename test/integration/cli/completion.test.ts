import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runCli } from "../../unit/cli/memory-edge.ts";

async function scriptFile(shell: string): Promise<string> {
  const { code, out } = await runCli(["completion", shell]);
  expect(code).toBe(0);
  const folder = await mkdtemp(join(tmpdir(), "meshkore-completion-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, `script.${shell}`);
  await writeFile(path, out);
  return path;
}

/** What bash offers after these words; the last one is under the cursor. */
async function offered(script: string, ...words: readonly string[]): Promise<string[]> {
  const drive = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _meshkore; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", drive, "drive", script, "meshkore", ...words], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

test("bash completes commands, their options and paths", async () => {
  const script = await scriptFile("bash");
  expect(await offered(script, "")).toEqual(expect.arrayContaining(["start", "top", "backup", "--json"]));
  expect(await offered(script, "ag")).toEqual(["agents", "agent"]);
  expect(await offered(script, "agent", "e")).toEqual(["erase"]);
  expect(await offered(script, "agent", "erase", "--y")).toEqual(["--yes"]);
  expect(await offered(script, "--url", "http://hub", "--json", "backup", "v")).toEqual(["verify"]);
  expect(await offered(script, "send", "bob", "--re")).toEqual(["--reply-to"]);
  expect(await offered(script, "restore", "package.j")).toEqual(["package.json"]);
  expect(await offered(script, "--data-dir", "sr")).toEqual(["src"]);
  expect(await offered(script, "--as", ""), "a value that nobody can guess").toEqual([]);
  expect(await offered(script, "nonsense", "x")).toEqual([]);
});

/** Shells that are not on every machine check the syntax where they are. */
const shells = ["zsh", "fish"].filter((shell) => spawnSync(shell, ["--version"]).status === 0);
const others = ["zsh", "fish"].filter((shell) => !shells.includes(shell));

test.each(shells)("%s takes its script", async (shell) => {
  const { status, stderr } = spawnSync(shell, ["-n", await scriptFile(shell)], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});

test.runIf(shells.includes("fish"))("fish completes", async () => {
  const drive = 'source $argv[1]; complete -C "meshkore agent e"; complete -C "meshkore ba"';
  const { stdout } = spawnSync("fish", ["-c", drive, await scriptFile("fish")], { encoding: "utf8" });
  expect(stdout.split("\n").map((line) => line.split("\t")[0])).toEqual(["erase", "backup", ""]);
});

test.each(others)("%s is not here; its script names every command all the same", async (shell) => {
  const { out } = await runCli(["completion", shell]);
  for (const name of ["backup", "erase", "doctor", "completion"]) expect(out).toContain(name);
});

test("a shell that nobody knows is wrong usage", async () => {
  expect((await runCli(["completion", "tcsh"])).err).toContain("bash, zsh, fish");
});
