// @ts-check
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COMMITTED = "src/gen";

/** Generates from proto/ into a temporary folder and compares: the committed code is what the contract says. */
export function checkGenerated() {
  const temporary = mkdtempSync(join(tmpdir(), "meshkore-gen-"));
  try {
    const buf = ["node_modules/@bufbuild/buf/bin/buf", "generate", "--output", temporary];
    if (spawnSync(process.execPath, buf, { stdio: "inherit" }).status !== 0) return false;
    const fresh = join(temporary, COMMITTED);
    const names = new Set([...filesOf(fresh), ...filesOf(COMMITTED)]);
    const stale = [...names].filter((name) => contents(fresh, name) !== contents(COMMITTED, name));
    for (const name of stale) {
      console.error(`${COMMITTED}/${name} is not what proto/ generates: run \`npm run gen\` and commit it`);
    }
    return stale.length === 0;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @param {string} folder */
function filesOf(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return entries.filter((name) => /\.[a-z]+$/.test(name)).map((name) => name.replaceAll("\\", "/"));
}

/**
 * @param {string} folder
 * @param {string} name
 */
function contents(folder, name) {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
