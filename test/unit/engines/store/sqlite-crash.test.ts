import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createSqliteDatabase, openStores } from "./sqlite-database.ts";

const WRITER = fileURLToPath(new URL("./write-until-killed.ts", import.meta.url));
const REPORTS_BEFORE_KILL = 120;

it("keeps all that was answered when the process is killed", { timeout: 30_000 }, async () => {
  const database = await createSqliteDatabase();
  for (let round = 0; round < 2; round += 1) {
    const reported = await writeUntilKilled(`${database.path}-${round}`);
    expect(reported.length).toBeGreaterThanOrEqual(REPORTS_BEFORE_KILL);
    await expectAll(`${database.path}-${round}`, reported);
  }
  await database.remove();
});

async function writeUntilKilled(path: string): Promise<readonly string[]> {
  const child = spawn(process.execPath, [WRITER, path], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const reported: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    reported.push(line);
    if (reported.length === REPORTS_BEFORE_KILL) child.kill("SIGKILL");
  }
  expect(await exited).toEqual([null, "SIGKILL"]);
  return reported;
}

async function expectAll(path: string, reported: readonly string[]): Promise<void> {
  const stores = await openStores(path);
  for (const line of reported) {
    const [kind, id = ""] = line.split(" ");
    if (kind === "invite") expect(await stores.invites.find(id), line).toBeDefined();
    else {
      expect(await stores.agents.find(id), line).toBeDefined();
      expect(await stores.keys.find(`key-${id}`), line).toBeDefined();
      expect(await stores.invites.find(`nonce-${id}`), line).toMatchObject({ uses: 1 });
    }
  }
  await stores[Symbol.asyncDispose]();
}
