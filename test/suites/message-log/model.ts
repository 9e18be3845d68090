import type { ReaderName } from "../../../src/ports/message-log.ts";

export interface ModelRecord {
  readonly id: string;
  readonly text: string;
  readonly storedUnixMs: number;
}

/** One stream as a list; record n has offset n + 1. */
export interface ModelStream {
  readonly records: ModelRecord[];
  /** Oldest offset that is kept. */
  first: number;
  readonly marks: Map<ReaderName, number>;
  readonly dedupes: Map<string, { readonly offset: number; readonly expiresUnixMs: number }>;
}

export interface LogModel {
  readonly streams: Map<string, ModelStream>;
}

export function emptyModel(): LogModel {
  return { streams: new Map() };
}

export function streamOf(model: LogModel, name: string): ModelStream {
  const known = model.streams.get(name);
  if (known !== undefined) return known;
  const stream: ModelStream = { records: [], first: 1, marks: new Map(), dedupes: new Map() };
  model.streams.set(name, stream);
  return stream;
}

/** What a read has to give: offsets in the order of reading, or a gap. */
export function expectedPage(
  stream: ModelStream,
  query: {
    readonly offset: number;
    readonly isBackward: boolean;
    readonly limit: number;
    readonly maxBytes: number;
  },
): { gap: boolean; offsets: number[] } {
  const end = stream.records.length;
  const { offset, isBackward, limit } = query;
  if (!isBackward && (offset < stream.first - 1 || offset > end)) return { gap: true, offsets: [] };
  const step = isBackward ? -1 : 1;
  const offsets: number[] = [];
  let left = query.maxBytes;
  for (
    let at = isBackward ? Math.min(offset, end + 1) - 1 : offset + 1;
    at >= stream.first && at <= end;
    at += step
  ) {
    if (offsets.length >= limit) break;
    left -= stream.records[at - 1]?.text.length ?? 0;
    if (left < 0 && offsets.length > 0) break;
    offsets.push(at);
  }
  return { gap: false, offsets };
}
