// @ts-check
// Makes a bare clone run: finds or fetches a Node that runs TypeScript, installs the locked dependencies, and
// runs a script under it. Plain JavaScript that Node 16 can parse, since old Nodes must get this far.
// When nothing is missing this costs one hash of the lockfile and no process.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { environmentFor, isFresh, NODE_VERSION, root, TYPESCRIPT_CACHE } from "./clone.mjs";

/**
 * Runs a script with this process's stdio, under a fit Node and with fresh dependencies.
 * In this process when its Node is fit; otherwise in a child whose signals and exit become ours.
 *
 * @param {string} script
 * @param {string[]} args
 */
export async function run(script, args) {
  const node = await prepare();
  if (process.env["npm_lifecycle_event"] === "npx") endWithParent();
  if (node !== process.execPath) {
    const { runUnder } = await import("./child.mjs");
    return runUnder(node, script, args);
  }
  Object.assign(process.env, environmentFor(node));
  silenceExperimentalWarnings();
  if (script.endsWith(".ts")) {
    // As if this process had been started with it: threads and forks take it from there.
    process.execArgv.push("--import", TYPESCRIPT_CACHE);
    await import(TYPESCRIPT_CACHE);
  }
  process.argv.splice(1, process.argv.length, script, ...args);
  await import(pathToFileURL(script).href);
}

/**
 * Gets Node and the dependencies, and ends the process with a plain sentence when that fails.
 *
 * @returns {Promise<string>} the path of the Node to run under
 */
export async function prepare() {
  try {
    const node = isFit() ? process.execPath : fetchedNode();
    if (existsSync(node) && isFresh(nodeMajor(node))) return node;
    const install = await import("./install.mjs");
    if (!existsSync(node)) await install.fetchNode(node);
    if (!isFresh(nodeMajor(node))) await install.installDependencies(node, nodeMajor(node));
    return node;
  } catch (error) {
    process.stderr.write(`meshkore: ${error instanceof Error ? error.message : error}\n`);
    return process.exit(1);
  }
}

/** Native type stripping without a flag: 22.18, 23.6, 24. */
function isFit() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isNewEnough = major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
  // `features.typescript` is false when the user switched type stripping off.
  return isNewEnough && Boolean(Reflect.get(process.features, "typescript"));
}

function fetchedNode() {
  const folder = join(root, ".node", `${process.platform}-${process.arch}-${NODE_VERSION}`);
  return join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
}

/** @param {string} node */
function nodeMajor(node) {
  const version = node === process.execPath ? process.versions.node : NODE_VERSION;
  return version.split(".")[0] ?? "";
}

/**
 * npx hands a signal to the shell between it and us, which ends without passing it on: losing the parent is the only
 * sign that we get. (The npm scripts say `exec` instead, so that there is no shell.)
 */
function endWithParent() {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, 500);
  timer.unref();
}

/** node:sqlite warns on every start of a hub; stderr is for the operator. Other warnings stay. */
function silenceExperimentalWarnings() {
  const emitWarning = process.emitWarning;
  /** @param {[string | Error, ...unknown[]]} warning */
  const filtered = (...warning) => {
    if (warning[1] !== "ExperimentalWarning") Reflect.apply(emitWarning, process, warning);
  };
  process.emitWarning = filtered;
}
