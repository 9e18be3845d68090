import { MeshError } from "../../../model/errors.ts";
import type { DatabaseClient } from "./database-client.ts";
import { meshErrorFromFault } from "./fault.ts";
import type { Outcome, Request, Statement, StatementResult } from "./protocol.ts";

/** Statements that may share a commit; more would let a read at the end wait too long. */
const MAX_GROUP = 128;

interface Waiting {
  readonly statement: Statement;
  readonly resolve: (result: StatementResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets one at a time at the single connection, in the order of coming: a transaction, or a group of statements that
 * stand alone. While one commit is under way the next group gathers, so that many writers share an fsync.
 */
export class DatabaseGate {
  readonly #client: DatabaseClient;
  #last: Promise<void> = Promise.resolve();
  /** The group at the end of the queue, as long as more may join it. */
  #open: Waiting[] | undefined;

  constructor(client: DatabaseClient) {
    this.#client = client;
  }

  /** Runs a statement that stands alone. @throws MeshError */
  run(statement: Statement): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { statement, resolve, reject };
      if (this.#open !== undefined && this.#open.length < MAX_GROUP) {
        this.#open.push(waiting);
        return;
      }
      const group = [waiting];
      void this.#runGroup(group);
      this.#open = group;
    });
  }

  /** Waits for the turn; what it gives ends it. In between only `runInside` may be used, by whoever holds the turn. */
  async enter(): Promise<() => void> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    this.#open = undefined;
    await before;
    return turn.resolve;
  }

  /** @throws MeshError */
  async runInside(request: Request): Promise<StatementResult> {
    const [outcome] = await this.#client.call(request);
    return resultFromOutcome(outcome);
  }

  /** Closes after all calls that were made before. Never rejects. */
  async close(): Promise<void> {
    // The query builder takes some microtasks to bring a call here; all of them are over by then.
    await new Promise(setImmediate);
    const leave = await this.enter();
    await this.#client.close();
    leave();
  }

  /** Never rejects. */
  async #runGroup(group: readonly Waiting[]): Promise<void> {
    const leave = await this.enter();
    if (this.#open === group) this.#open = undefined;
    try {
      const statements = group.map((waiting) => waiting.statement);
      const outcomes = await this.#client.call({ kind: "run", statements });
      group.forEach((waiting, index) => {
        settle(waiting, outcomes[index]);
      });
    } catch (thrown) {
      for (const waiting of group) waiting.reject(thrown);
    } finally {
      leave();
    }
  }
}

function settle(waiting: Waiting, outcome: Outcome | undefined): void {
  try {
    waiting.resolve(resultFromOutcome(outcome));
  } catch (thrown) {
    waiting.reject(thrown);
  }
}

function resultFromOutcome(outcome: Outcome | undefined): StatementResult {
  if (outcome === undefined) throw new MeshError("internal", "the store gave no answer");
  if (!outcome.ok) throw meshErrorFromFault(outcome.fault);
  return outcome.result;
}
