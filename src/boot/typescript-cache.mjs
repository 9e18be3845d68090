// @ts-check
// Preloaded into every thread that runs our TypeScript: types are stripped once per file version and kept, because
// Node 22 keeps nothing of it and needs a 15 MB WebAssembly compiler in each thread. Compiled code is kept too.
// Both lie under node_modules, so an install clears them; where nothing can be written, nothing is kept.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { threadId } from "node:worker_threads";
import { root } from "./clone.mjs";

const OURS = pathToFileURL(join(root, "/")).href;
const FOREIGN = `${OURS}node_modules/`;
const cache = join(root, "node_modules", ".cache", "meshkore");
const stripped = join(cache, `stripped-${process.version}`);

module.enableCompileCache(join(cache, "compiled"));
module.registerHooks({
  load(url, context, next) {
    const isOurs = url.endsWith(".ts") && url.startsWith(OURS) && !url.startsWith(FOREIGN);
    return isOurs ? { format: "module", source: javaScriptOf(url), shortCircuit: true } : next(url, context);
  },
});

/** @param {string} url */
function javaScriptOf(url) {
  const source = readFileSync(fileURLToPath(url), "utf8");
  const name = createHash("sha256").update(source).digest("hex");
  const kept = join(stripped, `${name}.mjs`);
  const found = read(kept);
  // The end tells a whole file from one that a power failure cut, and from that of another clone.
  if (found?.endsWith(`//# sourceURL=${url}`)) return found;
  const code = module.stripTypeScriptTypes(source, { sourceUrl: url });
  keep(kept, code);
  return code;
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Threads and processes may do this at once: the file appears whole.
 *
 * @param {string} path
 * @param {string} code
 */
function keep(path, code) {
  const temporary = `${path}.${process.pid}-${threadId}.tmp`;
  try {
    mkdirSync(stripped, { recursive: true });
    writeFileSync(temporary, code);
    renameSync(temporary, path);
  } catch {
    // A folder that cannot be written costs the next start some time, and nothing else.
  }
}
