import type { Position } from "../../../model/position.ts";
import type { LogPage, LogRecord, ReadQuery } from "../../../ports/message-log.ts";
import { chunkHead, recordsOfChunk } from "./chunk.ts";
import type { Environment } from "./environment.ts";
import { chunkKey, firstChunkKey, lastChunkKey, placeFromChunkKey } from "./keys.ts";
import { lastOfEpoch, type StreamState } from "./stream-state.ts";
import { chunkAt } from "./stream-table.ts";

const DEFAULT_PAGE_BYTES = 1_048_576;

/** One page of durable records. */
export function readPage(env: Environment, state: StreamState, query: ReadQuery): LogPage {
  const page = {
    records: [],
    gap: false,
    first: { epoch: state.epoch, offset: state.first },
    end: { epoch: state.epoch, offset: state.last },
  };
  const isBackward = query.direction === "backward";
  if (isGap(state, query.from, isBackward)) return { ...page, gap: true };
  if (query.limit <= 0 || state.last < state.first) return page;
  return { ...page, records: isBackward ? readBackward(env, state, query) : readForward(env, state, query) };
}

function isGap(state: StreamState, from: Position, isBackward: boolean): boolean {
  if (from.epoch === 0 && from.offset === 0) return false;
  const end = lastOfEpoch(state, from.epoch);
  if (end === undefined) return true;
  if (isBackward) return from.epoch !== state.epoch && from.offset > end + 1;
  return from.offset < state.first - 1 || from.offset > end;
}

function readForward(env: Environment, state: StreamState, query: ReadQuery): LogRecord[] {
  const from = Math.max(query.from.offset + 1, state.first);
  if (from > state.last) return [];
  const to = Math.min(state.last, from + query.limit - 1);
  const records: LogRecord[] = [];
  const budget = new PageBudget(query);
  const first = chunkAt(env, state, from);
  if (first === undefined) return records;
  if (!takeChunk(records, budget, recordsOfChunk(first.value, { ...first, epoch: state.epoch }, from, to)))
    return records;
  const next = first.firstOffset + chunkHead(first.value).count;
  if (next > to) return records;
  const range = { start: chunkKey(state.number, next), end: lastChunkKey(state.number) };
  for (const { key, value } of env.chunks.getRange(range)) {
    const place = { ...placeFromChunkKey(key), epoch: state.epoch };
    if (place.firstOffset > to) break;
    if (!takeChunk(records, budget, recordsOfChunk(value, place, from, to))) break;
    if (records.length >= query.limit) break;
  }
  return records;
}

/** False when the page is full. */
function takeChunk(records: LogRecord[], budget: PageBudget, more: readonly LogRecord[]): boolean {
  for (const record of more) {
    if (!budget.takes(record)) return false;
    records.push(record);
  }
  return true;
}

function readBackward(env: Environment, state: StreamState, query: ReadQuery): LogRecord[] {
  const isFromEnd = query.from.epoch === 0 && query.from.offset === 0;
  const last = isFromEnd ? state.last : Math.min(query.from.offset - 1, state.last);
  if (last < state.first) return [];
  const floor = Math.max(state.first, last - query.limit + 1);
  const range = { start: chunkKey(state.number, last), end: firstChunkKey(state.number), reverse: true };
  const records: LogRecord[] = [];
  const budget = new PageBudget(query);
  for (const { key, value } of env.chunks.getRange(range)) {
    const place = { ...placeFromChunkKey(key), epoch: state.epoch };
    if (place.firstOffset + chunkHead(value).count - 1 < floor) break;
    if (!takeChunk(records, budget, recordsOfChunk(value, place, floor, last).reverse())) break;
    if (place.firstOffset <= floor) break;
  }
  return records;
}

/** Ends a page by bytes, but not before its first record. */
class PageBudget {
  #left: number;
  #isFirst = true;

  constructor(query: ReadQuery) {
    this.#left = query.maxBytes ?? DEFAULT_PAGE_BYTES;
  }

  takes(record: LogRecord): boolean {
    this.#left -= record.bytes.length;
    const takes = this.#isFirst || this.#left >= 0;
    this.#isFirst = false;
    return takes;
  }
}
