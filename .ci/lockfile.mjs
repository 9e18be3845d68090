// @ts-check
// node .ci/lockfile.mjs   completes package-lock.json after `npm install`
// npm leaves an optional package of another platform out of the lockfile when it cannot load it, and `npm ci` then
// refuses the lockfile on every machine. Such packages have exact versions, and their names say their platform.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** @typedef {{ version?: string, resolved?: string, dev?: boolean, optional?: boolean, optionalDependencies?: Record<string, string> } & Record<string, unknown>} Entry */

const LOCKFILE = "package-lock.json";
const SYSTEMS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const PROCESSORS = ["arm64", "arm", "ia32", "loong64", "ppc64", "riscv64", "s390x", "wasm32", "x64"];

/** The lockfile names every platform's packages, and no address that only one network knows. */
export function checkLockfile() {
  const { packages } = JSON.parse(readFileSync(LOCKFILE, "utf8"));
  const absent = missingPackages(packages).map(({ name }) => name);
  const addressed = Object.keys(packages).filter((path) => packages[path].resolved?.startsWith("http"));
  if (absent.length > 0) {
    console.error(`${LOCKFILE} lacks ${absent.join(", ")}: run \`node .ci/lockfile.mjs\``);
  }
  if (addressed.length > 0) {
    console.error(`${LOCKFILE} holds download addresses: keep omit-lockfile-registry-resolved in .npmrc`);
  }
  return absent.length === 0 && addressed.length === 0;
}

/** @param {Record<string, Entry>} packages */
function missingPackages(packages) {
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !places(path, name).some((place) => packages[place]))
      .map(([name, version]) => ({ name, version, isDev: entry.dev === true })),
  );
}

/**
 * Where Node looks for a package, from the inside out.
 *
 * @param {string} path
 * @param {string} name
 */
function places(path, name) {
  const found = [];
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    found.push(`${at}/node_modules/${name}`);
  }
  return [...found, `node_modules/${name}`];
}

/**
 * @param {{ name: string, version: string, isDev: boolean }} missing
 * @returns {Entry}
 */
function entryOf({ name, version, isDev }) {
  const words = name
    .replace("aarch64", "arm64")
    .replace(/armv\d/, "arm")
    .split(/[/-]/);
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) => words.includes(processor)).slice(0, 1);
  if (os.length === 0 || cpu.length === 0 || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`${name}@${version} does not say its platform: add it to ${LOCKFILE} by hand`);
  }
  return {
    version,
    cpu,
    ...(isDev && { dev: true }),
    ...(words.includes("musl") && { libc: ["musl"] }),
    optional: true,
    os,
  };
}

function completeLockfile() {
  const lock = JSON.parse(readFileSync(LOCKFILE, "utf8"));
  for (const missing of missingPackages(lock.packages)) {
    lock.packages[`node_modules/${missing.name}`] = entryOf(missing);
    console.log(`added ${missing.name}@${missing.version}`);
  }
  const { "": project, ...others } = lock.packages;
  const sorted = Object.entries(others).sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = { "": project, ...Object.fromEntries(sorted) };
  writeFileSync(LOCKFILE, `${JSON.stringify(lock, null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) completeLockfile();
