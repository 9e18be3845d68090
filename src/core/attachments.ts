import { MeshError } from "../model/errors.ts";
import { type Position, positionFromCursor } from "../model/position.ts";
import type { Directory } from "../ports/directory.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import type { CloseReason, Sink, SinkState } from "../ports/sink.ts";
import type { Delivery } from "./delivery.ts";
import type { AttachInput, Attachment } from "./messages.ts";
import { Pump } from "./pump.ts";
import type { Receipts } from "./receipts.ts";
import { inboxStream } from "./streams.ts";

const PAGE_SIZE = 256;
const RETRY_MS = 50;
const SAFETY_READ_MS = 15_000;

export interface AttachmentsDeps {
  readonly log: MessageLog;
  readonly delivery: Delivery;
  readonly receipts: Receipts;
  readonly directory: Directory;
  readonly logger: Logger;
  /** Marks the agent as online until the answer is called. */
  readonly attached: (agentId: string) => () => void;
  readonly sessionsPerAgent: number;
}

/** Live deliveries of inboxes. Several of one agent mirror: each gets every record after its own cursor. */
export interface Attachments {
  /** @throws MeshError gap, invalid_argument, rate_limited */
  attach(agentId: string, input: AttachInput, sink: Sink): Promise<Attachment>;
  /** Moves the committed position; answers when durable with where it is now. @throws MeshError gap */
  commit(agentId: string, position: Position): Promise<Position>;
  /** Ends all deliveries of all agents. */
  closeAll(reason: CloseReason): void;
}

export function createAttachments(deps: AttachmentsDeps): Attachments {
  const open = new Map<string, Set<LiveDelivery>>();

  deps.directory.onChange((agentId, what) => {
    if (what !== "removed") return;
    for (const live of [...(open.get(agentId) ?? [])]) live.end("revoked");
  });

  async function commit(agentId: string, position: Position): Promise<Position> {
    const stream = inboxStream(agentId);
    await deps.receipts.open(stream);
    const mark = await deps.log.ack(stream, "inbox", position);
    deps.receipts.read(stream, mark.offset);
    return { epoch: mark.epoch, offset: mark.offset };
  }

  function add(agentId: string, live: LiveDelivery): void {
    const lives = open.get(agentId) ?? new Set();
    lives.add(live);
    open.set(agentId, lives);
  }

  function remove(agentId: string, live: LiveDelivery): void {
    const lives = open.get(agentId);
    lives?.delete(live);
    if (lives?.size === 0) open.delete(agentId);
  }

  return {
    commit,
    async attach(agentId, input, sink) {
      checkRoom(open.get(agentId)?.size ?? 0, deps.sessionsPerAgent);
      const stream = inboxStream(agentId);
      await deps.receipts.open(stream);
      const start = await startPosition(deps.log, stream, input.cursor);
      const detachPresence = deps.attached(agentId);
      const options = { stream, start, sink, window: input.window ?? 0, isPaused: input.isPaused ?? false };
      const live: LiveDelivery = new LiveDelivery(deps, options, {
        commit: (position) => commit(agentId, position),
        ended: () => {
          detachPresence();
          remove(agentId, live);
        },
      });
      add(agentId, live);
      live.begin();
      return live;
    },
    closeAll(reason) {
      for (const lives of [...open.values()]) for (const live of [...lives]) live.end(reason);
    },
  };
}

function checkRoom(openCount: number, most: number): void {
  if (openCount < most) return;
  throw new MeshError("rate_limited", `an agent has at most ${most} sessions at once`, {
    hint: "close sessions that are not in use",
    retryAfterS: 5,
  });
}

/** Where a reader starts. @throws MeshError gap when the cursor is not in the inbox (any more) */
export async function startPosition(
  log: MessageLog,
  stream: StreamName,
  cursor: string | undefined,
): Promise<Position> {
  if (cursor === undefined || cursor === "") return log.acked(stream, "inbox");
  const position = positionFromCursor(cursor);
  const page = await log.read(stream, { from: position, limit: 0 });
  if (page.gap) throw cursorGap();
  return position;
}

export function cursorGap(): MeshError {
  return new MeshError("gap", "what that cursor points to is not in the inbox", {
    hint: "it is too old or from elsewhere: start without a cursor, after your committed ack",
  });
}

interface LiveDeliveryHooks {
  readonly commit: (position: Position) => Promise<Position>;
  readonly ended: () => void;
}

/** One reader: a pump, its window, and what was handed to it. */
class LiveDelivery implements Attachment {
  readonly start: Position;
  readonly #pump: Pump;
  readonly #sink: Sink;
  readonly #hooks: LiveDeliveryHooks;
  #window: number;
  #ackedOffset: number;
  #isPaused = false;
  #hasEnded = false;

  constructor(
    deps: AttachmentsDeps,
    options: { stream: StreamName; start: Position; sink: Sink; window: number; isPaused: boolean },
    hooks: LiveDeliveryHooks,
  ) {
    this.start = options.start;
    this.#sink = options.sink;
    this.#hooks = hooks;
    this.#window = options.window;
    this.#isPaused = options.isPaused;
    this.#ackedOffset = options.start.offset;
    const source = {
      read: (from: Position, limit: number) => deps.log.read(options.stream, { from, limit }),
      watch: (wake: (records: readonly LogRecord[]) => void) => deps.log.watch(options.stream, wake),
    };
    this.#pump = new Pump(source, this.#reportingSink(deps.receipts, options), options.start, {
      pageSize: PAGE_SIZE,
      retryMs: RETRY_MS,
      ...(deps.log.traits.lossyWakes ? { safetyReadMs: SAFETY_READ_MS } : {}),
      resolver: deps.delivery.resolver(options.stream),
      room: () => this.#room(),
      onReadError: (error) => deps.logger.warn("inbox.not_read", { stream: options.stream, error }),
      onEnd: () => this.#finish(),
    });
  }

  begin(): void {
    this.#pump.start();
  }

  async ack(position: Position): Promise<Position> {
    const committed = await this.#hooks.commit(position);
    this.#ackedOffset = Math.max(this.#ackedOffset, position.offset);
    if (!this.#isPaused && this.#window > 0) this.#pump.resume();
    return committed;
  }

  pause(): void {
    this.#isPaused = true;
    this.#pump.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#pump.resume();
  }

  setWindow(window: number): void {
    this.#window = window;
    if (!this.#isPaused) this.#pump.resume();
  }

  detach(): void {
    this.#pump.stop();
    this.#finish();
  }

  end(reason: CloseReason): void {
    if (this.#hasEnded) return;
    this.detach();
    this.#sink.close(reason);
  }

  #finish(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#hooks.ended();
  }

  #room(): number {
    if (this.#isPaused) return 0;
    if (this.#window === 0) return Number.POSITIVE_INFINITY;
    return this.#window - (this.#pump.at.offset - this.#ackedOffset);
  }

  /** The sink, with the receipts told of what it took. */
  #reportingSink(receipts: Receipts, options: { stream: StreamName; sink: Sink }): Sink {
    const { stream, sink } = options;
    return {
      write: (records): SinkState => {
        const answer = sink.write(records);
        if (answer !== "closed") receipts.handed(stream, records);
        return answer;
      },
      onReady: (resume) => sink.onReady(() => !this.#isPaused && resume()),
      close: (reason) => sink.close(reason),
    };
  }
}
