import { Few } from "../../../model/few.ts";
import type { Mark, ReaderName, Wake } from "../../../ports/message-log.ts";

/** Readers in the order of their numbers in mark keys; append only. */
export const READERS: readonly ReaderName[] = ["inbox", "delivered", "receipts", "fanout"];

/** What is known of one stream without touching the disk. */
export interface StreamState {
  readonly name: string;
  /** Number in keys; 0 until the first append. */
  number: number;
  readonly epoch: number;
  /** The last offset of each epoch before this one, of those that the stream was in. */
  readonly endedEpochs: ReadonlyMap<number, number>;
  /** Oldest offset that is kept; last + 1 when there is none. */
  first: number;
  /** Last durable offset. */
  last: number;
  /** Bytes of all records ever appended, and of those that wait for a commit. */
  totalBytes: number;
  queuedRecords: number;
  queuedBytes: number;
  /** Bytes up to the `inbox` mark; may lag behind, never ahead. */
  ackedBytes: number;
  readonly marks: Partial<Record<ReaderName, Mark>>;
  /** Readers whose marks moved since the last commit: a bit each, by their numbers. */
  dirtyMarks: number;
  readonly watchers: Few<Wake>;
  /** Commits under way that hold this state. */
  pins: number;
}

/** Most logs were never restored: their states share this. */
export const NONE_ENDED: ReadonlyMap<number, number> = new Map();

export function newStreamState(
  name: string,
  epoch: number,
  endedEpochs: ReadonlyMap<number, number> = NONE_ENDED,
): StreamState {
  return {
    name,
    number: 0,
    epoch,
    endedEpochs,
    first: 1,
    last: 0,
    totalBytes: 0,
    queuedRecords: 0,
    queuedBytes: 0,
    ackedBytes: 0,
    marks: {},
    dirtyMarks: 0,
    watchers: new Few(),
    pins: 0,
  };
}

/** Whether forgetting the state loses nothing that a reload does not bring back. */
export function isIdle(state: StreamState): boolean {
  return state.watchers.size === 0 && state.queuedRecords === 0 && state.dirtyMarks === 0 && state.pins === 0;
}

export function markOf(state: StreamState, reader: ReaderName): Mark {
  return state.marks[reader] ?? { epoch: state.epoch, offset: 0, atUnixMs: 0 };
}

/** The mark is to be written with the next commit. */
export function noteDirty(state: StreamState, reader: ReaderName): void {
  state.dirtyMarks |= 1 << READERS.indexOf(reader);
}

/** Readers whose marks moved since the last commit. */
export function dirtyReaders(state: StreamState): readonly ReaderName[] {
  return READERS.filter((_, number) => (state.dirtyMarks & (1 << number)) !== 0);
}

/** Beyond this offset a position of that epoch points to nothing of this stream; undefined when it never was in it. */
export function lastOfEpoch(state: StreamState, epoch: number): number | undefined {
  return epoch === state.epoch ? state.last : state.endedEpochs.get(epoch);
}
