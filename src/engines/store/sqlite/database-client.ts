import { Worker } from "node:worker_threads";
import { MeshError } from "../../../model/errors.ts";
import { meshErrorFromFault } from "./fault.ts";
import type { DatabaseThreadData, Reply, Request } from "./protocol.ts";

export interface DatabaseClientOptions {
  readonly path: string;
  /** Module URLs that the thread loads before anything else, as `node --import` does. */
  readonly preloads?: readonly string[];
  /** Called once when the database thread ended by itself: nothing works any more, the hub has to stop. */
  readonly onFatal: (error: Error) => void;
}

/** node:sqlite warns of itself in every thread. */
const SILENCE = "--disable-warning=ExperimentalWarning";

interface Waiter {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: MeshError) => void;
}

/** The main thread's end of the database thread. */
export class DatabaseClient {
  readonly #thread: Worker;
  readonly #onFatal: (error: Error) => void;
  readonly #waiting: Waiter[] = [];
  readonly #exited: Promise<void>;
  #closing = false;
  #ended: MeshError | undefined;

  private constructor(options: DatabaseClientOptions) {
    const data: DatabaseThreadData = { path: options.path };
    this.#onFatal = options.onFatal;
    this.#thread = new Worker(new URL("./database-thread.ts", import.meta.url), {
      name: "meshkore-store",
      execArgv: [SILENCE, ...(options.preloads ?? []).flatMap((url) => ["--import", url])],
      workerData: data,
    });
    this.#thread.on("message", (reply: Reply) => this.#waiting.shift()?.resolve(reply));
    this.#thread.on("messageerror", (error) => this.#end(error));
    this.#thread.on("error", (error) => this.#end(error));
    this.#exited = new Promise((resolve) => {
      this.#thread.on("exit", (code) => {
        this.#end(new Error(`the database thread ended with code ${code}`));
        resolve();
      });
    });
  }

  /** Answers when the database is open. @throws MeshError unavailable, storage_full */
  static async open(options: DatabaseClientOptions): Promise<DatabaseClient> {
    const client = new DatabaseClient(options);
    const [outcome] = await client.#nextReply();
    if (outcome?.ok === false) {
      client.#closing = true;
      await client.#exited;
      throw openingFailed(options.path, meshErrorFromFault(outcome.fault));
    }
    return client;
  }

  /** @throws MeshError unavailable when the thread is gone */
  async call(request: Request): Promise<Reply> {
    if (this.#ended !== undefined) throw this.#ended;
    // Posted first: what cannot be posted must not leave a waiter that would take the next call's reply.
    this.#thread.postMessage(request);
    return this.#nextReply();
  }

  /** Closes the database after all calls before it. Never rejects. */
  async close(): Promise<void> {
    if (!this.#closing && this.#ended === undefined) {
      this.#closing = true;
      this.#thread.postMessage({ kind: "close" } satisfies Request);
    }
    await this.#exited;
  }

  #nextReply(): Promise<Reply> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #end(cause: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = new MeshError("unavailable", "the hub's store is closed", {
      hint: "try again once the hub has restarted",
      cause,
    });
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#ended);
    if (!this.#closing) this.#onFatal(this.#ended);
  }
}

function openingFailed(path: string, error: MeshError): MeshError {
  const { hint, retryAfterS } = error;
  return new MeshError(
    error.code === "internal" ? "unavailable" : error.code,
    `cannot open ${path}: ${error.message}`,
    {
      hint: hint ?? "look at the file and its rights",
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
      cause: error.cause,
    },
  );
}
