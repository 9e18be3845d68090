import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { ADMIN_TOKEN, type TestHub } from "../../support/hub.ts";
import { type CliResult, runCli } from "../cli/cli-process.ts";

/** What makes the command line the operator's. */
export function operatorEnv(hub: TestHub): Readonly<Record<string, string>> {
  return { MESHKORE_URL: hub.http, MESHKORE_ADMIN_TOKEN: ADMIN_TOKEN };
}

/** The command line as the operator of the hub. */
export function operatorCli(hub: TestHub, ...args: readonly string[]): Promise<CliResult> {
  return runCli(args, { env: operatorEnv(hub) });
}

/** The same, for what has to work. @throws with what it wrote */
export async function operatorResult(hub: TestHub, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await operatorCli(hub, ...args);
  if (code !== 0) throw new Error(`meshkore ${args.join(" ")} ended with ${code}: ${err}`);
  return out;
}

/** One line of JSON with `--json`. */
export async function operatorJson(
  hub: TestHub,
  ...args: readonly string[]
): Promise<Record<string, unknown>> {
  return Object(JSON.parse(await operatorResult(hub, "--json", ...args)));
}

/** A folder that goes with the test. */
export async function testFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "meshkore-operate-"));
  onTestFinished(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}
