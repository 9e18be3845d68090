// @ts-check
import { spawn } from "node:child_process";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";
import { environmentFor, TYPESCRIPT_CACHE } from "./clone.mjs";

const LEASH = new URL("./leash.mjs", import.meta.url).href;
/** @type {NodeJS.Signals[]} */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a script under another Node as if it were this process: same stdio, signals in, exit code or signal out.
 * The child ends with this process even when that is killed outright, so that no port or data directory stays taken.
 *
 * @param {string} node
 * @param {string} script
 * @param {string[]} args
 */
export async function runUnder(node, script, args) {
  const preloads = script.endsWith(".ts") ? [LEASH, TYPESCRIPT_CACHE] : [LEASH];
  const nodeArgs = ["--disable-warning=ExperimentalWarning", ...preloads.flatMap((url) => ["--import", url])];
  const { code, signal } = await runChild(node, [...nodeArgs, script, ...args], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, ...environmentFor(node), MESHKORE_LEASH: fileURLToPath(LEASH) },
  });
  endAs(code, signal);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null, asked: NodeJS.Signals | null }>}
 * `asked` is the signal that this process got meanwhile, if any.
 */
export function runChild(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    /** @type {NodeJS.Signals | null} */
    let asked = null;
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      asked = signal;
      // Ctrl-C in a terminal reaches the whole process group; forwarding it would deliver it twice.
      if (signal !== "SIGINT" || !isatty(0)) child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    const done = () => {
      for (const signal of FORWARDED) process.off(signal, forward);
    };
    child.once("error", (error) => {
      done();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      done();
      resolve({ code, signal, asked });
    });
  });
}

/**
 * Ends this process the way a child ended.
 *
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
export function endAs(code, signal) {
  if (!signal) process.exit(code ?? 1);
  process.kill(process.pid, signal);
  // Reached only when the signal does not end a process (a stopped one, or on Windows).
  setTimeout(() => process.exit(1), 1000);
}
