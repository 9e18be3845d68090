// First: what it adds has to be there when the protobuf library loads.
import "./model/to-base64.ts";

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { type Config, ConfigError, configFromSettings } from "./config.ts";
import { type Hub, openHub } from "./hub.ts";
import { MeshError } from "./model/errors.ts";
import type { Clock } from "./ports/clock.ts";
import { createLogger } from "./telemetry/logger.ts";
import { createVitals } from "./telemetry/vitals.ts";

const SECOND_SIGNAL_MS = 1000;
const CAUSES_SHOWN = 3;

const systemClock: Clock = { nowUnixMs: () => Date.now(), steadyMs: () => performance.now() };

/**
 * Runs a hub in this process until SIGTERM or SIGINT, or until its storage fails. Writes the ready line to stdout.
 * @throws ConfigError, MeshError when it cannot start
 */
export async function runHub(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.logLevel);
  const ended = Promise.withResolvers<Error | undefined>();
  const hub = await openHub({
    config,
    version: packageVersion(),
    clock: systemClock,
    logger,
    vitals: createVitals(process),
    preloads: preloadsOf(process.execArgv),
    onFatal: (error) => {
      logger.error("hub.failed", { error });
      ended.resolve(error);
    },
  });
  const stopListening = onStopSignal(() => ended.resolve(undefined));
  const { reloadTls } = hub;
  // Without TLS it keeps its meaning: the terminal is gone.
  if (reloadTls !== undefined) process.on("SIGHUP", () => void reloadTls());
  process.stdout.write(`${JSON.stringify(readyLine(hub))}\n`);
  if (hub.firstAdminToken !== undefined) await greet(hub, hub.firstAdminToken);
  const failure = await ended.promise;
  await hub[Symbol.asyncDispose]();
  stopListening();
  if (failure !== undefined) process.exitCode = 1;
}

/** The environment, over the settings of the file that MESHKORE_CONFIG names. */
function readConfig(): Config {
  const file = process.env.MESHKORE_CONFIG;
  if (file === undefined || file === "") return configFromSettings(process.env);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    throw new ConfigError([`MESHKORE_CONFIG: ${thrown instanceof Error ? thrown.message : "unreadable"}`]);
  }
  return configFromSettings({ ...parseEnv(text), ...process.env });
}

/** Of Node's arguments only `--import` is for threads too: others, such as a profiler's, are for the process. */
function preloadsOf(nodeArguments: readonly string[]): string[] {
  return nodeArguments.filter((_, index) => nodeArguments[index - 1] === "--import");
}

function readyLine(hub: Hub): object {
  return {
    event: "hub.ready",
    http: hub.httpUrl,
    grpc: hub.grpcAddress,
    hub_id: hub.hubId,
    pid: process.pid,
  };
}

/** Shown once, on the start that made the operator's token. */
async function greet(hub: Hub, token: string): Promise<void> {
  const operator = {
    principal: { kind: "admin" as const },
    signal: AbortSignal.timeout(10_000),
    remoteAddress: "",
  };
  const invite = await hub.api.registry.createInvite(operator, { maxUses: 10 });
  process.stderr.write(
    `\nFirst start. The operator's token, also kept in the data directory:\n  ${token}\n` +
      `An invite for the first ten agents, good for a day:\n  ${invite.url}\n\n`,
  );
}

/** The second signal within a second is the same wish (a terminal and npm both send one); a later one is impatience. */
function onStopSignal(stop: () => void): () => void {
  let firstMs: number | undefined;
  const onSignal = (): void => {
    firstMs ??= performance.now();
    stop();
    if (performance.now() - firstMs > SECOND_SIGNAL_MS) process.exit(130);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return () => {
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
  };
}

function packageVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const manifest: unknown = JSON.parse(text);
  const version: unknown =
    typeof manifest === "object" && manifest !== null ? Reflect.get(manifest, "version") : "";
  return typeof version === "string" ? version : "";
}

function explain(thrown: unknown): string {
  if (thrown instanceof ConfigError) return thrown.message;
  if (!(thrown instanceof MeshError))
    return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  const lines = [`error: ${thrown.message}`];
  if (thrown.hint !== undefined) lines.push(`hint: ${thrown.hint}`);
  let cause: unknown = thrown.cause;
  for (let depth = 0; depth < CAUSES_SHOWN && cause instanceof Error; depth++) {
    lines.push(`cause: ${cause.message}`);
    cause = cause.cause;
  }
  return lines.join("\n");
}

// Run as a script, and not when the command line imports it.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await runHub();
  } catch (thrown) {
    process.stderr.write(`${explain(thrown)}\n`);
    process.exitCode = thrown instanceof ConfigError ? 2 : 1;
  }
}
