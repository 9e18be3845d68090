import type { Priority } from "../model/envelope.ts";
import type { Position } from "../model/position.ts";

/** `inbox/<agent>`, `channel/<id>`, later `link/<peer>` and `task/<id>`. */
export type StreamName = string;

/** A committed position's owner within a stream: `inbox` (what the agent acknowledged) or a mark of the hub. */
export type ReaderName = "inbox" | "delivered" | "receipts" | "fanout";

/** An envelope as stored. */
export interface LogRecord extends Position {
  /** As given to `append`; not to be changed by anybody. */
  readonly bytes: Uint8Array;
}

export interface NewRecord {
  /** UUID of the message; NO_MESSAGE_ID for a record that `locate` need not find. */
  readonly id: string;
  readonly bytes: Uint8Array;
  /** When the engine cannot keep up it refuses lower ones first; never decides an order. Absent = normal. */
  readonly priority?: Priority;
  /** A repeat of `key` in this stream within the window appends nothing and gives the first one's place. */
  readonly dedupe?: { readonly key: string; readonly windowMs: number };
  /** Refuse when what the reader `inbox` has not acknowledged, and is still kept, would pass this. */
  readonly bound?: { readonly records: number; readonly bytes: number };
}

export interface Appended extends Position {
  /** The id of the stored message: of the first one when `duplicate`. */
  readonly id: string;
  readonly duplicate: boolean;
}

export interface ReadQuery {
  /** Exclusive. Forward: records after it; backward: records before it. */
  readonly from: Position;
  readonly direction?: "forward" | "backward";
  /** 0 = only the state of the stream. */
  readonly limit: number;
  /** A page ends before the record that would pass this, but holds at least one. */
  readonly maxBytes?: number;
}

export interface LogPage {
  /** In the order of reading. */
  readonly records: readonly LogRecord[];
  /**
   * The place asked for is not in the stream: of another epoch, before the first record that is kept, or beyond
   * the end. Then there are no records. START is never a gap. Backward only another epoch is one: what is gone
   * there is the end of the history.
   */
  readonly gap: boolean;
  /** Of the oldest record that is kept; end + 1 when there is none. */
  readonly first: Position;
  /** The last durable record; offset 0 in a stream that never had one. */
  readonly end: Position;
}

export interface Mark extends Position {
  /** When the mark came here, ms since the Unix epoch; 0 = never moved. */
  readonly atUnixMs: number;
}

export type Wake = (records: readonly LogRecord[]) => void;

export interface MessageLogTraits {
  /** `power`: appended survives power loss; `process`: survives kill -9 of every process at once. */
  readonly durability: "power" | "process";
  /** Other nodes append to the same streams. */
  readonly shared: boolean;
  /** Wakes can be lost: readers need a slow safety read. */
  readonly lossyWakes: boolean;
}

/**
 * Ordered, durable streams. The log is the truth, a wake is a hint.
 *
 * Guarantees of every engine:
 * - `append` answers when the record is durable (see traits). Records of one stream get dense offsets in the
 *   order of the calls; a call that fails leaves no record and no hole.
 * - Dedupe check, bound check, offset and write are atomic per stream.
 * - `read` gives durable records only, and always those of one dense run.
 * - `ack` is cumulative and moves only forward; it answers with a mark that is durable, at the position or further.
 *   Marks are cheap: an engine may delay them by up to 50 ms to write them together.
 * - After a restart everything that was answered is there.
 */
export interface MessageLog {
  readonly traits: MessageLogTraits;
  /** @throws MeshError inbox_full, storage_full, unavailable */
  append(stream: StreamName, record: NewRecord): Promise<Appended>;
  read(stream: StreamName, query: ReadQuery): Promise<LogPage>;
  /** A position beyond the end or of another epoch is a gap. @throws MeshError gap, storage_full */
  ack(stream: StreamName, reader: ReaderName, position: Position): Promise<Mark>;
  acked(stream: StreamName, reader: ReaderName): Promise<Mark>;
  /** Forgets records that were stored before `beforeUnixMs` (Infinity = all). May keep some of them a while. */
  trim(stream: StreamName, beforeUnixMs: number): Promise<number>;
  /** Calls `wake` after records became durable, with them when the engine has them at hand. Never in between. */
  watch(stream: StreamName, wake: Wake): () => void;
  /** Where the message of this id is, while it is kept; one of the places when several streams hold the id. */
  locate(id: string): Promise<{ readonly stream: StreamName; readonly position: Position } | undefined>;
}

/** What an engine's `open…` gives: disposing closes it after what was taken became durable. */
export type OpenMessageLog = MessageLog & AsyncDisposable;
