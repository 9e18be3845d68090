import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Child, startUntilLine } from "./child.ts";

export type HubOptions = {
  dataDirectory: string;
  /** `power` is the default of the hub: nothing is accepted before it is synced. */
  durability: "power" | "process";
  profileDirectory: string | undefined;
  adminToken?: string;
  /** Further settings. */
  env?: Readonly<Record<string, string>>;
};

export type Hub = {
  readonly port: number;
  readonly grpcPort: number;
  readonly adminToken: string;
  readonly child: Child;
  /** From the start of the process to the ready line. */
  readonly readyAfterMs: number;
};

const READY_MS = 30_000;
const LIFE_MS = 30 * 60_000;
const MAIN = join(import.meta.dirname, "..", "src", "main.ts");

/** The hub as `npm start` runs it, but on free loopback ports, with an own data folder and no rate limit. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const adminToken = options.adminToken ?? randomBytes(24).toString("hex");
  const { profileDirectory } = options;
  const profiling =
    profileDirectory === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDirectory}`];
  const fromMs = performance.now();
  const { child, ready } = await startUntilLine(
    {
      command: process.execPath,
      args: [...profiling, MAIN],
      env: {
        ...plainEnvironment(),
        MESHKORE_HOST: "127.0.0.1",
        MESHKORE_HTTP_PORT: "0",
        MESHKORE_GRPC_PORT: "0",
        MESHKORE_DATA_DIR: options.dataDirectory,
        MESHKORE_DURABILITY: options.durability,
        MESHKORE_ADMIN_TOKEN: adminToken,
        MESHKORE_RATE_PER_MINUTE: "100000000",
        ...options.env,
      },
      lifeMs: LIFE_MS,
      readyMs: READY_MS,
    },
    portsOfReadyLine,
  );
  return { ...ready, adminToken, child, readyAfterMs: performance.now() - fromMs };
}

/** The environment without settings of another hub. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("MESHKORE_")));
}

function portsOfReadyLine(line: string): Pick<Hub, "port" | "grpcPort"> | undefined {
  if (!line.startsWith("{")) return undefined;
  const { event, http, grpc } = JSON.parse(line) as { event?: string; http?: string; grpc?: string };
  if (event !== "hub.ready" || http === undefined) return undefined;
  return { port: Number(new URL(http).port), grpcPort: Number(grpc?.split(":").at(-1)) };
}
