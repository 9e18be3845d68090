import type { DeliveryCounts } from "../model/counts.ts";
import { decodeEnvelope } from "../model/envelope-codec.ts";
import { cursorFromPosition, type Position, START } from "../model/position.ts";
import type { AgentPrincipal } from "../model/principal.ts";
import type { CredentialWatch } from "../ports/credential-watch.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import type { MessageTracer } from "../ports/message-tracer.ts";
import type { Sink } from "../ports/sink.ts";
import { type Attachments, cursorGap, startPosition } from "./attachments.ts";
import { clampLimit, MAX_WAIT_MS } from "./bounds.ts";
import type { Delivery } from "./delivery.ts";
import { FirstBatchSink } from "./first-batch-sink.ts";
import { sourceFromLog } from "./log-source.ts";
import type { Delivered, Received, ReceiveInput, Sent } from "./messages.ts";
import { Pump } from "./pump.ts";
import type { Receipts } from "./receipts.ts";
import { inboxStream } from "./streams.ts";

const DEFAULT_LIMIT = 100;
const PAGE_SIZE = 256;
const RETRY_MS = 50;

export interface ReceiveDeps {
  readonly log: MessageLog;
  readonly attachments: Attachments;
  readonly credentialWatch: CredentialWatch;
  readonly delivery: Delivery;
  readonly receipts: Receipts;
  readonly logger: Logger;
  readonly counts: DeliveryCounts;
  readonly tracer?: MessageTracer | undefined;
}

/** Reading for callers that come and go. */
export class Receive {
  readonly #deps: ReceiveDeps;

  constructor(deps: ReceiveDeps) {
    this.#deps = deps;
  }

  /**
   * One page of the inbox; waits only on an empty one.
   * @throws MeshError gap, invalid_argument, rate_limited; unauthenticated when the credential ends while it waits
   */
  async receive(reader: AgentPrincipal, input: ReceiveInput, signal: AbortSignal): Promise<Received> {
    const { agentId } = reader;
    const { log, attachments } = this.#deps;
    const stream = inboxStream(agentId);
    const start = await startPosition(log, stream, input.cursor);
    const hasCursor = input.cursor !== undefined && input.cursor !== "";
    if (hasCursor && input.manualAck !== true && start.offset > 0) await attachments.commit(agentId, start);
    const limit = clampLimit(input.limit, DEFAULT_LIMIT);
    const waitMs = Math.min(Math.max(0, input.waitMs ?? 0), MAX_WAIT_MS);
    const page = await this.#readNow(stream, start, { limit, signal });
    if (page !== undefined) return page;
    if (waitMs === 0) return { records: [], cursor: cursorFromPosition(start) };
    const records = await this.#waitFor(reader, { start, limit, waitMs }, signal);
    return { records, cursor: cursorFromPosition(records.at(-1) ?? start) };
  }

  /**
   * Runs `send` and waits for a message whose reply_to is the id that it gives. Only whom it was sent to can answer
   * (`wait.from`; undefined: a channel, whose members all may). The reply stays in the inbox: what passes by here
   * counts neither as delivered nor as a session. When the caller's credential ends, so does the wait: what was sent
   * is accepted all the same.
   */
  async awaitReply(
    reader: AgentPrincipal,
    wait: { readonly waitMs: number; readonly signal: AbortSignal; readonly from: string | undefined },
    send: () => Promise<Sent>,
  ): Promise<{ sent: Sent; reply: Delivered | undefined }> {
    const { log, credentialWatch } = this.#deps;
    const stream = inboxStream(reader.agentId);
    const { end } = await log.read(stream, { from: START, limit: 0 });
    let sent: Sent | undefined;
    const isReply = ({ bytes }: LogRecord): boolean => {
      const { header } = decodeEnvelope(bytes);
      return header.replyTo === sent?.messageId && (wait.from === undefined || header.from === wait.from);
    };
    const sink = new FirstBatchSink(Math.min(wait.waitMs, MAX_WAIT_MS), isReply);
    const credential = await credentialWatch.watch(reader);
    credential.opened = { end: () => sink.close("closed") };
    let pump: Pump | undefined;
    try {
      sent = await send();
      // A repeat may have been answered already: its reply stands among the unread.
      const start = sent.duplicate ? await startPosition(log, stream, undefined) : end;
      pump = this.#pumpInto(sink, stream, start);
      pump.start();
      return { sent, reply: (await sink.batch(wait.signal))[0] };
    } finally {
      pump?.stop();
      credential.stop();
    }
  }

  /** What is there now; undefined when there is nothing. */
  async #readNow(
    stream: StreamName,
    start: Position,
    { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  ): Promise<Received | undefined> {
    const { log, delivery, receipts } = this.#deps;
    const resolver = delivery.resolver(stream);
    let at = start;
    for (;;) {
      const page = await log.read(stream, { from: at, limit });
      if (page.gap) throw cursorGap();
      const last = page.records.at(-1);
      if (last === undefined) return undefined;
      const records = resolver.now(page.records) ?? (await resolver.later(page.records));
      at = { epoch: last.epoch, offset: last.offset };
      if (records.length === 0) continue;
      await receipts.open(stream);
      await receipts.seen(stream, start.offset);
      // Nobody takes an answer to a call that has ended.
      if (!signal.aborted) {
        receipts.handed(stream, records);
        this.#deps.counts.delivered += records.length;
        this.#deps.tracer?.handed(stream, records);
      }
      return { records, cursor: cursorFromPosition(at) };
    }
  }

  /** A long poll is a delivery to a sink that is full after its first batch. */
  async #waitFor(
    reader: AgentPrincipal,
    wait: { readonly start: Position; readonly limit: number; readonly waitMs: number },
    signal: AbortSignal,
  ): Promise<readonly LogRecord[]> {
    const sink = new FirstBatchSink(wait.waitMs, () => true);
    const input = { cursor: cursorFromPosition(wait.start), window: wait.limit };
    const attachment = await this.#deps.attachments.attach(reader, input, sink);
    try {
      return await sink.batch(signal);
    } finally {
      attachment.detach();
    }
  }

  #pumpInto(sink: Sink, stream: StreamName, start: Position): Pump {
    const { log, delivery, logger } = this.#deps;
    const source = sourceFromLog(log, stream);
    return new Pump(source, sink, start, {
      pageSize: PAGE_SIZE,
      retryMs: RETRY_MS,
      resolver: delivery.resolver(stream),
      onReadError: (error) => logger.warn("inbox.not_read", { stream, error }),
    });
  }
}
