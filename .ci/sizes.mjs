// @ts-check
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = ["src", "adapters", "sdk/typescript", "test", "bench", ".ci"];
const SOFT_LINES = 250;
const HARD_LINES = 400;

/** Files that nobody can hold in their head. The length of functions is Biome's to check. */
export function checkSizes() {
  const sizes = FOLDERS.flatMap(sourcesIn).map((path) => ({ path, lines: linesOf(path) }));
  for (const { path, lines } of sizes.filter((file) => file.lines > SOFT_LINES)) {
    const isTooLong = lines > HARD_LINES;
    const advice = isTooLong ? "split it by idea" : "consider splitting it by idea";
    console.error(
      `${isTooLong ? "error" : "warning"}: ${path} has ${lines} lines of ${HARD_LINES}: ${advice}`,
    );
  }
  return sizes.every((file) => file.lines <= HARD_LINES);
}

/** @param {string} folder */
function sourcesIn(folder) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names
    .map((name) => join(folder, name).replaceAll("\\", "/"))
    .filter(
      (path) =>
        /\.(ts|mts|mjs|cjs|js)$/.test(path) && !/^src\/gen\/|\/(node_modules|dist|vectors)\//.test(path),
    );
}

/** @param {string} path */
function linesOf(path) {
  const text = readFileSync(path, "utf8");
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}
