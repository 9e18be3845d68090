import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type RestAnswer, type RestOptions, restCall } from "./rest-client.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS = 60_000;
const STOP_MS = 30_000;
const KEPT_LOG_CHARS = 100_000;
export const ADMIN_TOKEN = "the-admin-token-of-this-test-hub";

/** The line that a hub writes when it takes calls. */
export interface ReadyLine {
  readonly http: string;
  readonly grpc: string | undefined;
}

export interface HubOptions {
  /** Added to the settings below; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Kept after disposal; default: a new one, removed at disposal. */
  readonly dataDir?: string;
  /** A command that becomes the hub: its arguments are what is to be run. */
  readonly within?: readonly string[];
}

/** A hub in a process of its own, on free ports, without limits that a test would meet by chance. */
export interface TestHub extends AsyncDisposable {
  /** The address of now: it changes with a restart. */
  readonly http: string;
  readonly grpc: string | undefined;
  readonly dataDir: string;
  readonly pid: number;
  /** What the hub wrote to stderr, all runs together. */
  log(): string;
  /** One call over HTTP. */
  call(method: string, path: string, options?: RestOptions): Promise<RestAnswer>;
  /** One call as the operator. */
  admin(method: string, path: string, options?: RestOptions): Promise<RestAnswer>;
  /** A nonce that lets many in. */
  invite(body?: object): Promise<string>;
  join(agentId: string, body?: object): Promise<TestAgent>;
  /** SIGTERM; gives the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** On the same data directory, after stop or kill. */
  start(env?: HubOptions["env"]): Promise<void>;
}

/** An agent of the hub and its credentials. */
export interface TestAgent {
  readonly agentId: string;
  readonly apiKey: string;
  readonly token: string;
  /** One call with the agent's token. */
  call(method: string, path: string, options?: RestOptions): Promise<RestAnswer>;
  get(path: string): Promise<RestAnswer>;
  post(path: string, body?: unknown): Promise<RestAnswer>;
}

/**
 * Starts a hub and answers when it takes calls.
 * @throws when it ends or is not ready in 25 s, with what it wrote
 */
export async function startHub(options: HubOptions = {}): Promise<TestHub> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "meshkore-test-")));
  const hub = new HubProcess(dataDir, options);
  try {
    await hub.start();
  } catch (thrown) {
    await hub[Symbol.asyncDispose]();
    throw thrown;
  }
  return hub;
}

/** Runs `use` with a hub of its own, which is gone afterwards. */
export async function withHub<T>(options: HubOptions, use: (hub: TestHub) => Promise<T>): Promise<T> {
  const hub = await startHub(options);
  try {
    return await use(hub);
  } finally {
    await hub[Symbol.asyncDispose]();
  }
}

class HubProcess implements TestHub {
  readonly dataDir: string;
  readonly #isOwnDir: boolean;
  readonly #within: readonly string[];
  #env: NonNullable<HubOptions["env"]>;
  #child: ChildProcess | undefined;
  #ready: ReadyLine | undefined;
  #log = "";
  #nonce: Promise<string> | undefined;

  constructor(dataDir: string, options: HubOptions) {
    this.dataDir = dataDir;
    this.#isOwnDir = options.dataDir === undefined;
    this.#env = options.env ?? {};
    this.#within = options.within ?? [];
  }

  get http(): string {
    return this.#running().http;
  }

  get grpc(): string | undefined {
    return this.#running().grpc;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("the hub does not run");
    return pid;
  }

  log(): string {
    return this.#log;
  }

  call(method: string, path: string, options: RestOptions = {}): Promise<RestAnswer> {
    return restCall(this.http, method, path, options);
  }

  admin(method: string, path: string, options: RestOptions = {}): Promise<RestAnswer> {
    return this.call(method, path, { token: ADMIN_TOKEN, ...options });
  }

  async invite(body: object = { max_uses: 10_000 }): Promise<string> {
    const answer = await this.admin("POST", "/invites", { body });
    if (answer.status !== 201) throw new Error(`no invite: ${answer.status} ${answer.text}`);
    return String(answer.field("nonce"));
  }

  async join(agentId: string, body: object = {}): Promise<TestAgent> {
    this.#nonce ??= this.invite();
    const answer = await this.call("POST", `/join/${await this.#nonce}`, {
      body: { agent_id: agentId, ...body },
    });
    if (answer.status !== 201) throw new Error(`${agentId} did not join: ${answer.status} ${answer.text}`);
    return agentFromJoin(this, answer);
  }

  async start(env: HubOptions["env"] = {}): Promise<void> {
    this.#env = { ...this.#env, ...env };
    const hub = [process.execPath, "--disable-warning=ExperimentalWarning", "src/main.ts"];
    const [command = process.execPath, ...args] = [...this.#within, ...hub];
    const child = spawn(command, args, {
      cwd: ROOT,
      env: environment(this.dataDir, this.#env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#log = (this.#log + text).slice(-KEPT_LOG_CHARS);
    });
    const endWithTest = () => child.kill("SIGKILL");
    process.once("exit", endWithTest);
    child.once("exit", () => process.off("exit", endWithTest));
    this.#ready = await this.#untilReady(child);
  }

  async stop(): Promise<number | null> {
    const child = this.#child;
    await this.#end("SIGTERM");
    return child?.exitCode ?? null;
  }

  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGKILL");
    if (this.#isOwnDir) await rm(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
  }

  #running(): ReadyLine {
    if (this.#ready === undefined) throw new Error("the hub does not run");
    return this.#ready;
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#ready = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.kill(signal);
    await ended;
    clearTimeout(late);
  }

  #untilReady(child: ChildProcess): Promise<ReadyLine> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`the hub ${why}\n${this.#log}`));
      const late = setTimeout(() => fail(`was not ready in ${START_MS} ms`), START_MS);
      child.once("error", (error) => fail(`did not start: ${error.message}`));
      // After `close` all that it wrote is here.
      child.once("close", (code, signal) => {
        clearTimeout(late);
        fail(`ended with ${code ?? signal} before it was ready`);
      });
      if (child.stdout === null) return fail("has no stdout");
      createInterface({ input: child.stdout }).on("line", (line) => {
        const ready = readyFromLine(line);
        if (ready === undefined) return;
        clearTimeout(late);
        resolve(ready);
      });
    });
  }
}

/**
 * Of the caller's environment nothing that would set up a hub gets in, but for the listener: all tests can be run on
 * either.
 */
function environment(dataDir: string, env: NonNullable<HubOptions["env"]>): NodeJS.ProcessEnv {
  const outer = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("MESHKORE_") && name !== "NODE_OPTIONS",
  );
  return {
    ...Object.fromEntries(outer),
    MESHKORE_DATA_DIR: dataDir,
    MESHKORE_HTTP_PORT: "0",
    MESHKORE_GRPC_PORT: "0",
    MESHKORE_ADMIN_TOKEN: ADMIN_TOKEN,
    MESHKORE_RATE_PER_MINUTE: "1000000",
    MESHKORE_ATTEMPTS_PER_MINUTE: "1000000",
    MESHKORE_LOG_LEVEL: "warn",
    ...(process.env.MESHKORE_LISTENER !== undefined && { MESHKORE_LISTENER: process.env.MESHKORE_LISTENER }),
    ...env,
  };
}

function readyFromLine(line: string): ReadyLine | undefined {
  if (!line.startsWith("{")) return undefined;
  const parsed: unknown = JSON.parse(line);
  const { event, http, grpc } = Object(parsed);
  if (event !== "hub.ready" || typeof http !== "string") return undefined;
  return { http, grpc: typeof grpc === "string" ? grpc : undefined };
}

function agentFromJoin(hub: TestHub, answer: RestAnswer): TestAgent {
  const token = String(answer.field("token"));
  const call = (method: string, path: string, options: RestOptions = {}) =>
    hub.call(method, path, { token, ...options });
  return {
    agentId: String(answer.field("agent_id")),
    apiKey: String(answer.field("api_key")),
    token,
    call,
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body === undefined ? {} : { body }),
  };
}
