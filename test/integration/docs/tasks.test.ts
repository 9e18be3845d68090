import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startHub } from "../../support/hub.ts";

const PAGE = new URL("../../../docs/tasks.md", import.meta.url);

test("docs/tasks.md works word for word", async () => {
  const folder = await mkdtemp(join(tmpdir(), "meshkore-tasks-"));
  try {
    await using hub = await startHub({
      dataDir: join(folder, "data"),
      env: { MESHKORE_ADMIN_TOKEN: undefined },
    });
    const page = await readFile(PAGE, "utf8");
    const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
    const script = blocks.join("\n").replaceAll("http://127.0.0.1:7400", hub.http);
    const { stdout } = await promisify(execFile)("bash", ["-euc", script], { cwd: folder });
    expect(stdout).toContain('"kind":"TASK"');
    expect(stdout).toContain('"state":"input_required"');
    expect(stdout).toContain('"result":"guten Morgen"');
    const ids = [...stdout.matchAll(/^id: (\d+)$/gm)].map((match) => match[1]);
    expect(ids).toEqual(["2", "3", "4"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
