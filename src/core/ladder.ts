import type { DeliveryCounts } from "../model/counts.ts";
import type { Header } from "../model/envelope.ts";
import { decodeEnvelope } from "../model/envelope-codec.ts";
import { MeshError } from "../model/errors.ts";
import { isUuid, pointerIdFromMessageId } from "../model/message-id.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import type { OutcomeRecord, OutcomeStore } from "../ports/outcome-store.ts";
import { clampLimit } from "./bounds.ts";
import type { DeadMessage, MessageState, MessageStatus, SendInput, Sent } from "./messages.ts";
import { isPointer } from "./pointer.ts";
import { reachedState } from "./reached-state.ts";
import type { Receipts } from "./receipts.ts";
import type { Relay } from "./relay.ts";
import { inboxStream } from "./streams.ts";
import { isTaskStream } from "./tasks/task-events.ts";

const MAX_NOTE_LENGTH = 1000;
const DEFAULT_DEAD = 100;

export interface LadderDeps {
  readonly log: MessageLog;
  readonly clock: Clock;
  readonly outcomes: OutcomeStore;
  readonly receipts: Receipts;
  readonly relay: Relay;
  readonly counts: DeliveryCounts;
}

/** Takes up again what is dead and no plain message; undefined when it is none of its own. */
export type Redriver = (agentId: string, dead: OutcomeRecord) => Promise<Sent | undefined>;

interface Found {
  readonly stream: StreamName;
  readonly record: LogRecord;
  readonly header: Header;
  readonly payload: Uint8Array;
}

/** The truthful ladder: accepted → delivered → read → processed | failed | expired, derived from positions. */
export class Ladder {
  readonly #deps: LadderDeps;

  #redriver: Redriver = async () => undefined;

  constructor(deps: LadderDeps) {
    this.#deps = deps;
  }

  /** For the sender and the receiver; others learn nothing. @throws MeshError not_found */
  async status(agentId: string, messageId: string): Promise<MessageStatus> {
    const found = await this.#findFor(agentId, messageId, "any");
    const { state, atUnixMs, note } = await this.#stateOf(found);
    const { to, createdUnixMs } = found.header;
    return { messageId, state, atUnixMs, note, to, createdUnixMs };
  }

  /** @throws MeshError not_found unless the caller is the receiver, already_exists when it has ended before */
  async markProcessed(
    agentId: string,
    messageId: string,
    result: { ok: boolean; note: string },
  ): Promise<void> {
    if (result.note.length > MAX_NOTE_LENGTH) {
      throw new MeshError("invalid_argument", `a note has at most ${MAX_NOTE_LENGTH} characters`, {
        hint: "send what is long as a reply",
      });
    }
    const { header } = await this.#findFor(agentId, messageId, "receiver");
    const state = result.ok ? "processed" : "failed";
    const isNew = await this.#end({
      messageId,
      senderId: header.from,
      receiver: agentId,
      state,
      note: result.note,
      atUnixMs: this.#deps.clock.nowUnixMs(),
    });
    if (isNew && !result.ok) this.#deps.counts.failed += 1;
    if (!isNew || header.noReceipts || header.kind === "RECEIPT") return;
    await this.#deps.receipts.ended(header.from, { state, messageId, to: agentId, note: result.note });
  }

  /** The agent's messages that failed or expired, newest first. */
  async dead(
    agentId: string,
    input: { limit?: number; cursor?: string },
  ): Promise<{ messages: readonly DeadMessage[]; cursor: string | undefined }> {
    const limit = clampLimit(input.limit, DEFAULT_DEAD);
    const ended = await this.#deps.outcomes.dead(agentId, input.cursor ?? "", limit);
    const messages = ended.map(deadFromOutcome);
    return { messages, cursor: ended.length === limit ? ended.at(-1)?.messageId : undefined };
  }

  /** Set when the hub is composed: calls out sit above the core. */
  setRedriver(redriver: Redriver): void {
    this.#redriver = redriver;
  }

  /** @throws MeshError not_found unless it is a dead message of the caller that is still kept */
  async redrive(agentId: string, messageId: string): Promise<Sent> {
    const dead = await this.#deps.outcomes.find(messageId);
    if (dead?.senderId === agentId && dead.state !== "processed") {
      const sent = await this.#redriver(agentId, dead);
      if (sent !== undefined) return sent;
    }
    const found = await this.#findFor(agentId, messageId, "sender");
    const { header, payload } = found;
    const { state } = await this.#stateOf(found);
    if (state !== "failed" && state !== "expired") {
      throw new MeshError("not_found", "that message is not dead", {
        hint: "GET /messages/dead lists those that are",
      });
    }
    return this.#deps.relay.send(agentId, inputFromHeader(header, payload));
  }

  /** False when it ended the same way before. @throws MeshError already_exists when it ended another way */
  async #end(end: OutcomeRecord): Promise<boolean> {
    const { outcomes } = this.#deps;
    if ((await outcomes.add([end])).length > 0) return true;
    const before = await outcomes.find(end.messageId);
    if (before?.state === end.state) return false;
    throw new MeshError("already_exists", `this message is ${before?.state ?? "ended"} already`, {
      hint: "an end is final",
    });
  }

  async #find(messageId: string): Promise<Found | undefined> {
    if (!isUuid(messageId)) return undefined;
    const place = await this.#deps.log.locate(messageId);
    if (place === undefined) return undefined;
    const from = { epoch: place.position.epoch, offset: place.position.offset - 1 };
    const page = await this.#deps.log.read(place.stream, { from, limit: 1 });
    const record = page.records[0];
    // What points to an event is no message: the event is found by its own id.
    return record === undefined || isPointer(record.bytes)
      ? undefined
      : { stream: place.stream, record, ...decodeEnvelope(record.bytes) };
  }

  /** Found, if the agent may know of it. The answer to others is the same as for an id that was never given. */
  async #findFor(agentId: string, messageId: string, role: "any" | "receiver" | "sender"): Promise<Found> {
    const found = await this.#find(messageId);
    const isReceiver =
      found !== undefined && (found.stream === inboxStream(agentId) || isEventFor(agentId, found, role));
    const isSender = found !== undefined && found.header.from === agentId;
    const may = role === "any" ? isReceiver || isSender : role === "receiver" ? isReceiver : isSender;
    if (found === undefined || !may) throw notFound();
    return found;
  }

  async #stateOf(found: Found): Promise<{ state: MessageState; atUnixMs: number; note: string }> {
    // In this order: an end is stored before the committed position moves over its message, which would then look read.
    const derived = await this.#derive(found);
    const ended = await this.#deps.outcomes.find(found.header.id);
    return ended ?? { ...derived, note: "" };
  }

  async #derive(found: Found): Promise<{ state: MessageState; atUnixMs: number }> {
    const { record, header, stream } = found;
    const accepted = { state: "accepted", atUnixMs: header.createdUnixMs } as const;
    if (header.to.startsWith("#")) return accepted;
    const { log } = this.#deps;
    const place = isTaskStream(stream)
      ? await log.locate(pointerIdFromMessageId(header.id))
      : { stream, position: record };
    if (place === undefined) return accepted;
    const reached = await reachedState(this.#deps, place.stream, place.position.offset);
    if (reached?.state === "read") return reached;
    if (header.expiresUnixMs !== 0 && header.expiresUnixMs <= this.#deps.clock.nowUnixMs()) {
      return { state: "expired", atUnixMs: header.expiresUnixMs };
    }
    return reached ?? accepted;
  }
}

/** An event of a task stands in the task's stream; how the task goes on is said there, and not of the message. */
function isEventFor(
  agentId: string,
  { stream, header }: Found,
  role: "any" | "receiver" | "sender",
): boolean {
  return role === "any" && isTaskStream(stream) && header.to === agentId;
}

function inputFromHeader(header: Header, payload: Uint8Array): SendInput {
  return {
    to: header.to,
    payload,
    contentType: header.contentType,
    replyTo: header.replyTo,
    priority: header.priority,
    contextId: header.contextId,
    taskId: header.taskId,
    traceparent: header.traceparent,
    sealed: header.sealed,
    noReceipts: header.noReceipts,
    annotations: { ...header.annotations, redrive_of: header.id },
  };
}

function deadFromOutcome(end: OutcomeRecord): DeadMessage {
  return {
    messageId: end.messageId,
    to: end.receiver,
    state: end.state === "failed" ? "failed" : "expired",
    reason: end.note,
    atUnixMs: end.atUnixMs,
  };
}

function notFound(): MeshError {
  return new MeshError("not_found", "no such message of yours", {
    hint: "use a message_id that you sent or received; history is kept for a limited time",
  });
}
