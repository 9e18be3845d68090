// @ts-check
// npm run check            every step below, in order; all of them run even when one fails
// npm run check -- types   only the steps named
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { checkGenerated } from "./generated.mjs";
import { checkLicences } from "./licences.mjs";
import { checkLockfile } from "./lockfile.mjs";
import { checkSizes } from "./sizes.mjs";

const present = (/** @type {string[]} */ ...folders) => folders.filter((folder) => existsSync(folder));

/** @type {Record<string, () => boolean>} each returns whether it passed, and has printed why if not */
const steps = {
  types: () => tool("typescript/bin/tsc", ["--noEmit"]),
  lint: () => tool("@biomejs/biome/bin/biome", ["check", "--error-on-warnings", "--max-diagnostics=50", "."]),
  imports: () =>
    tool("dependency-cruiser/bin/dependency-cruiser.mjs", [
      "--config",
      ".dependency-cruiser.cjs",
      "--output-type",
      "err-long",
      ...present("src", "adapters", "sdk/typescript", "test", "bench"),
    ]),
  proto: () => tool("@bufbuild/buf/bin/buf", ["lint"]),
  generated: checkGenerated,
  sizes: checkSizes,
  lockfile: checkLockfile,
  licences: checkLicences,
};

/**
 * @param {string} script
 * @param {string[]} args
 */
function tool(script, args) {
  return spawnSync(process.execPath, [`node_modules/${script}`, ...args], { stdio: "inherit" }).status === 0;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(steps, name));
if (unknown.length > 0) {
  console.error(`check: no step named ${unknown.join(", ")}; there are ${Object.keys(steps).join(", ")}`);
  process.exit(2);
}

const failed = [];
for (const [name, step] of Object.entries(steps)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const start = performance.now();
  const passed = step();
  if (!passed) failed.push(name);
  console.log(`check: ${name} ${passed ? "ok" : "FAILED"} (${Math.round(performance.now() - start)} ms)`);
}
if (failed.length > 0) {
  console.error(`check: failed: ${failed.join(", ")}`);
  process.exit(1);
}
