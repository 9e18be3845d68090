import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHub, type TestHub } from "../../support/hub.ts";

const README = new URL("../../../README.md", import.meta.url);
const WRITTEN_ADDRESS = "http://127.0.0.1:7400";

/** The shell blocks of one section, as they stand there. */
async function shellBlocks(heading: string): Promise<string[]> {
  const text = await readFile(README, "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
}

describe("README.md", () => {
  let folder: string;
  let hub: TestHub;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "meshkore-readme-"));
    hub = await startHub({ dataDir: join(folder, "data"), env: { MESHKORE_ADMIN_TOKEN: undefined } });
  });

  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it("holds a first conversation that works word for word", async () => {
    const blocks = (await shellBlocks("First conversation")).filter((block) => !block.includes("npx"));
    expect(blocks).toHaveLength(4);
    const script = blocks.join("\necho; echo ----\n").replaceAll(WRITTEN_ADDRESS, hub.http);
    const { stdout } = await promisify(execFile)("bash", ["-euc", script], { cwd: folder });
    const [, agentsAndSent = "", atBob = "", atAlice = ""] = stdout.split("----\n");
    expect(agentsAndSent).toContain('"agent_id":"bob"');
    expect(agentsAndSent).toContain('"status":"accepted"');
    expect(atBob).toContain('"from":"alice"');
    expect(atBob).toContain('"payload":{"text":"hello"}');
    expect(atBob.trimEnd()).toMatch(/"cursor":"1-1"\}$/);
    expect(atAlice).toContain('"payload":"bonjour"');
  });
});
