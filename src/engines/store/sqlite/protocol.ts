/** What the main thread and the database thread say to each other. Replies come in the order of the requests. */

export type SqlValue = string | number | bigint | null | Uint8Array;

export interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** Rows for what reads or returns; otherwise only how many rows changed, which is cheaper. */
  readonly wants: "rows" | "changes";
  readonly isWrite: boolean;
}

export type Request =
  | {
      /** Inside a transaction: each as it comes. Outside: each for itself, though they may share a commit. */
      readonly kind: "run";
      readonly statements: readonly Statement[];
    }
  | { readonly kind: "begin" | "commit" | "rollback" | "close" };

/** An error of SQLite, as data: errors lose their fields between threads. */
export interface Fault {
  /** SQLite's extended result code; 0 = not an error of SQLite. */
  readonly sqliteCode: number;
  readonly message: string;
  /** The disk under the database has no room. */
  readonly diskFull: boolean;
}

export interface StatementResult {
  readonly rows: readonly unknown[];
  readonly changes: number;
}

export type Outcome =
  | { readonly ok: true; readonly result: StatementResult }
  | { readonly ok: false; readonly fault: Fault };

/** One outcome for each statement of `run`; one for any other request, and one when the thread is up. */
export type Reply = readonly Outcome[];

export interface DatabaseThreadData {
  readonly path: string;
}
