import { onTestFinished } from "vitest";
import { createMessageIds } from "../../../src/model/message-id.ts";
import { type Position, START } from "../../../src/model/position.ts";
import type {
  Appended,
  LogPage,
  LogRecord,
  NewRecord,
  OpenMessageLog,
  ReadQuery,
} from "../../../src/ports/message-log.ts";

/** Where a log keeps its data; opened again after closing, it has what it had. */
export interface LogPlace {
  /** `stateCapacity` is a wish: few streams are to be kept in memory, so that the rest is loaded anew. */
  readonly open: (options?: { readonly stateCapacity?: number }) => Promise<OpenMessageLog>;
  readonly remove: () => Promise<void>;
}

/** An engine as the suites see it. */
export interface LogSubject {
  readonly name: string;
  readonly makePlace: (nowUnixMs: () => number) => Promise<LogPlace>;
  /** Whether the engine takes the time from `nowUnixMs`; else what needs a moved clock is left out. */
  readonly followsClock: boolean;
}

/** One log under test, its clock and its ids. */
export class LogUnderTest {
  log: OpenMessageLog;
  readonly clock: { nowUnixMs: number };
  readonly nextId: () => string;
  readonly #place: LogPlace;
  readonly #options: { readonly stateCapacity?: number };

  private constructor(place: LogPlace, log: OpenMessageLog, clock: { nowUnixMs: number }, options: object) {
    this.#place = place;
    this.log = log;
    this.clock = clock;
    this.#options = options;
    this.nextId = createMessageIds(() => clock.nowUnixMs);
  }

  /** Closed and removed when the test ends. */
  static async open(
    subject: LogSubject,
    options: { readonly stateCapacity?: number } = {},
  ): Promise<LogUnderTest> {
    const clock = { nowUnixMs: 1_800_000_000_000 };
    const place = await subject.makePlace(() => clock.nowUnixMs);
    const opened = new LogUnderTest(place, await place.open(options), clock, options);
    onTestFinished(() => opened.remove());
    return opened;
  }

  async reopen(): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    this.log = await this.#place.open(this.#options);
  }

  async remove(): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    await this.#place.remove();
  }

  /** Appends a text under a new id. */
  append(stream: string, text: string, more: Partial<NewRecord> = {}): Promise<Appended> {
    return this.log.append(stream, { id: this.nextId(), bytes: Buffer.from(text), ...more });
  }

  /** Appends texts one call after another within one turn. */
  appendAll(stream: string, texts: readonly string[]): Promise<Appended[]> {
    return Promise.all(texts.map((text) => this.append(stream, text)));
  }

  /** The end of the stream and its first record. */
  async ends(stream: string): Promise<{ first: number; end: number; at: Position }> {
    const { first, end } = await this.log.read(stream, { from: START, limit: 0 });
    return { first: first.offset, end: end.offset, at: end };
  }

  /** All records from the first kept one on, page by page. */
  async readAll(stream: string, query: Partial<ReadQuery> = {}): Promise<LogRecord[]> {
    const all: LogRecord[] = [];
    let from: Position = START;
    for (;;) {
      const page: LogPage = await this.log.read(stream, { limit: 100, ...query, from });
      if (page.gap) throw new Error(`a gap in ${stream} after ${from.epoch}-${from.offset}`);
      const last = page.records.at(-1);
      if (last === undefined) return all;
      all.push(...page.records);
      from = { epoch: last.epoch, offset: last.offset };
    }
  }
}

export function textOf(record: LogRecord): string {
  return Buffer.from(record.bytes).toString("utf8");
}

export function offsetsOf(records: readonly { readonly offset: number }[]): number[] {
  return records.map(({ offset }) => offset);
}

/** from, from + 1, … to */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

export function texts(prefix: string, from: number, to: number): string[] {
  return range(from, to).map((number) => `${prefix}${number}`);
}
