import type { ColumnDataType, RawBuilder, Transaction } from "kysely";
import type { Database } from "../schema.ts";

/** Column types in which the dialects differ. */
export interface ColumnTypes {
  /** Text that is ordered by its bytes. */
  readonly key: ColumnDataType | RawBuilder<unknown>;
  readonly bytes: ColumnDataType | RawBuilder<unknown>;
}

/**
 * One step of the schema. Once released it never changes: a later step corrects it.
 */
export interface Migration {
  /** Counts from 1 without a hole. */
  readonly version: number;
  up(trx: Transaction<Database>, types: ColumnTypes): Promise<void>;
}
