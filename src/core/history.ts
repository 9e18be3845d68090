import { parseAddress } from "../model/address.ts";
import type { Header } from "../model/envelope.ts";
import { decodeEnvelope } from "../model/envelope-codec.ts";
import { MeshError } from "../model/errors.ts";
import { cursorFromPosition, type Position, positionFromCursor, START } from "../model/position.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import { clampLimit } from "./bounds.ts";
import type { HistoryInput, HistoryPage } from "./messages.ts";
import { isPointer } from "./pointer.ts";
import { channelStream, inboxStream } from "./streams.ts";

const DEFAULT_LIMIT = 50;
const READ_PAGE = 250;
/** Records looked at for one page; a page may then be short and still have a cursor. */
const MAX_SCANNED = 10_000;
/** A page ends when it holds this much, but not before its first message. */
const MAX_PAGE_BYTES = 1_048_576;
/** Stands in a cursor for a stream that is read to its beginning. */
const DONE = "x";

export interface HistoryDeps {
  readonly log: MessageLog;
  readonly hubId: string;
  /** @throws MeshError not_found, permission_denied */
  readonly checkChannel: (agentId: string, channelId: string) => Promise<void>;
}

/** Reading back. */
export interface History {
  /**
   * The conversation of two agents, or of a channel, newest first. It is read from the two inboxes themselves, so
   * no second copy of a message exists; the price is that a page looks at up to 10,000 records.
   */
  page(agentId: string, input: HistoryInput): Promise<HistoryPage>;
}

/** Keeps nothing in memory between pages. */
export function createHistory(deps: HistoryDeps): History {
  async function ofChannel(channelId: string, input: HistoryInput): Promise<HistoryPage> {
    const limit = clampLimit(input.limit, DEFAULT_LIMIT);
    const from = startFromCursor(input.cursor);
    const page = await deps.log.read(channelStream(channelId), { from, direction: "backward", limit });
    const oldest = page.records.at(-1);
    const hasMore = oldest !== undefined && oldest.offset > page.first.offset;
    return {
      envelopes: page.records.map((record) => record.bytes),
      cursor: hasMore ? cursorFromPosition(oldest) : undefined,
    };
  }

  async function ofAgents(agentId: string, peer: string, input: HistoryInput): Promise<HistoryPage> {
    const [mine, theirs] = splitCursor(input.cursor, agentId === peer ? 1 : 2);
    const received = new Walk(deps.log, inboxStream(agentId), mine, (header) => header.from === peer);
    const sent = new Walk(deps.log, inboxStream(peer), theirs, (header) => header.from === agentId);
    const walks = agentId === peer ? [received] : [received, sent];
    const envelopes = await mergeNewestFirst(walks, clampLimit(input.limit, DEFAULT_LIMIT));
    const isDone = walks.every((walk) => walk.cursor === DONE);
    return { envelopes, cursor: isDone ? undefined : walks.map((walk) => walk.cursor).join("~") };
  }

  return {
    async page(agentId, input) {
      const address = parseAddress(input.peer, deps.hubId);
      if (address.kind === "agent") return ofAgents(agentId, address.agentId, input);
      if (address.kind === "remote") {
        throw new MeshError("not_found", `no history with ${address.hubId}`, {
          hint: "links to other hubs come with federation",
        });
      }
      await deps.checkChannel(agentId, address.channelId);
      return ofChannel(address.channelId, input);
    },
  };
}

async function mergeNewestFirst(walks: readonly Walk[], limit: number): Promise<Uint8Array[]> {
  const envelopes: Uint8Array[] = [];
  let bytes = 0;
  while (envelopes.length < limit) {
    const heads = await Promise.all(walks.map((walk) => walk.head()));
    // A walk that ran out of its share of looking hides what may be newer: the page ends here.
    if (walks.some((walk) => walk.isExhausted)) break;
    let newest: number | undefined;
    for (const [index, head] of heads.entries()) {
      if (head === undefined) continue;
      const best = newest === undefined ? undefined : heads[newest];
      if (best === undefined || head.id > best.id) newest = index;
    }
    const taken = newest === undefined ? undefined : heads[newest];
    if (taken === undefined || newest === undefined) break;
    bytes += taken.bytes.length;
    if (bytes > MAX_PAGE_BYTES && envelopes.length > 0) break;
    envelopes.push(taken.bytes);
    walks[newest]?.take();
  }
  return envelopes;
}

/** Walks one inbox backward over the messages that match. */
class Walk {
  readonly #log: MessageLog;
  readonly #stream: StreamName;
  readonly #matches: (header: Header) => boolean;
  #from: Position | undefined;
  #next: Position | undefined;
  #page: readonly LogRecord[] = [];
  #index = 0;
  #scanned = 0;
  #head: { readonly id: string; readonly bytes: Uint8Array; readonly position: Position } | undefined;

  constructor(
    log: MessageLog,
    stream: StreamName,
    cursor: string | undefined,
    matches: (header: Header) => boolean,
  ) {
    this.#log = log;
    this.#stream = stream;
    this.#matches = matches;
    this.#from = cursor === DONE ? undefined : startFromCursor(cursor);
    this.#next = this.#from;
  }

  /** Looked at as much as one page may, without a match. */
  get isExhausted(): boolean {
    return this.#head === undefined && this.#from !== undefined && this.#scanned >= MAX_SCANNED;
  }

  /** Where to go on: behind what was taken or passed over. */
  get cursor(): string {
    return this.#from === undefined && this.#head === undefined
      ? DONE
      : cursorFromPosition(this.#next ?? START);
  }

  async head(): Promise<{ readonly id: string; readonly bytes: Uint8Array } | undefined> {
    while (this.#head === undefined && this.#from !== undefined && this.#scanned < MAX_SCANNED) {
      if (this.#index >= this.#page.length && !(await this.#readOn())) break;
      this.#look();
    }
    return this.#head;
  }

  take(): void {
    this.#next = this.#head?.position;
    this.#head = undefined;
  }

  #look(): void {
    const record = this.#page[this.#index++];
    if (record === undefined) return;
    this.#scanned += 1;
    const position = { epoch: record.epoch, offset: record.offset };
    this.#from = position;
    if (!isPointer(record.bytes)) {
      const { header } = decodeEnvelope(record.bytes);
      if ((header.kind === "MESSAGE" || header.kind === "TASK") && this.#matches(header)) {
        this.#head = { id: header.id, bytes: record.bytes, position };
        return;
      }
    }
    this.#next = position;
  }

  async #readOn(): Promise<boolean> {
    const from = this.#from ?? START;
    const page = await this.#log.read(this.#stream, { from, direction: "backward", limit: READ_PAGE });
    // The end as it is now, so that what comes later does not turn up in the middle of older pages.
    if (from.offset === 0 && from.epoch === 0) {
      this.#next = { epoch: page.end.epoch, offset: page.end.offset + 1 };
    }
    this.#page = page.records;
    this.#index = 0;
    if (page.records.length === 0) this.#from = undefined;
    return page.records.length > 0;
  }
}

function startFromCursor(cursor: string | undefined): Position {
  return cursor === undefined || cursor === "" ? START : positionFromCursor(cursor);
}

/** One cursor for each inbox. @throws MeshError invalid_argument */
function splitCursor(cursor: string | undefined, inboxes: number): readonly (string | undefined)[] {
  if (cursor === undefined || cursor === "") return [];
  const parts = cursor.split("~");
  if (parts.length === inboxes) return parts;
  throw new MeshError("invalid_argument", "not a cursor of this conversation", {
    hint: "give back a cursor exactly as you got it, or none to start with the newest",
  });
}
