// @ts-check
// What the bootstrap knows about this clone: where it is, which Node it wants, what is installed in it.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The Node that is fetched when the present one cannot run TypeScript. */
export const NODE_VERSION = "22.23.3";

/** What a process or thread that runs our TypeScript preloads. */
export const TYPESCRIPT_CACHE = new URL("./typescript-cache.mjs", import.meta.url).href;

export const stampFile = join(root, "node_modules", ".meshkore-stamp");

/**
 * What the stamp says after an install: which lockfile, which Node, and whether the tools are there too.
 *
 * @param {string} major
 */
export function stampFor(major) {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  return `${lock} node-${major} ${omitsTools() ? "runtime" : "all"}\n`;
}

/** @param {string} major */
export function isFresh(major) {
  // Installed as somebody's dependency: whoever installed it brought the dependencies.
  if (!existsSync(join(root, "package-lock.json"))) return true;
  if (!existsSync(stampFile)) return false;
  const found = readFileSync(stampFile, "utf8");
  const wanted = stampFor(major);
  return found === wanted || found === wanted.replace(" runtime\n", " all\n");
}

/** npm's own two ways to say "without devDependencies". */
export function omitsTools() {
  return process.env["NODE_ENV"] === "production" || /\bdev\b/.test(process.env["npm_config_omit"] ?? "");
}

/**
 * This Node comes first on the PATH, so that whatever a script starts as `node` is the same one.
 *
 * @param {string} node
 */
export function environmentFor(node) {
  const folder = dirname(node);
  const path = process.env["PATH"] ?? "";
  return { PATH: path.split(delimiter)[0] === folder ? path : folder + delimiter + path };
}
