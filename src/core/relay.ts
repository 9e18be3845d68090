import { type MessageCounts, noteRefused } from "../model/counts.ts";
import type { Appended, MessageLog, NewRecord, StreamName } from "../ports/message-log.ts";
import type { Admission, Release } from "./admission.ts";
import { type CoreBounds, DEDUPE_WINDOW_MS } from "./bounds.ts";
import type { EnvelopeFactory, Stamped } from "./envelope-factory.ts";
import type { SendInput, Sent } from "./messages.ts";
import type { Route, Routes } from "./routes.ts";
import type { Traffic } from "./traffic.ts";

export interface RelayDeps {
  readonly log: Pick<MessageLog, "append">;
  readonly admission: Admission;
  readonly routes: Routes;
  readonly envelopes: EnvelopeFactory;
  readonly traffic: Traffic;
  readonly bounds: CoreBounds;
  readonly counts: MessageCounts;
  /** Called for each accepted message that ends sooner than unread ones do. */
  readonly onShortLived: (stream: StreamName, expiresUnixMs: number) => void;
  /** Called before a message goes into a channel's stream. */
  readonly onChannelSend: (channelId: string) => void;
}

/** Accepts messages: admission, route, stamp, one encoding, one append. */
export interface Relay {
  /**
   * Answers when the message is durable. Messages of one sender keep the order of the calls.
   * @throws MeshError invalid_argument, too_large, rate_limited, quota_exceeded, not_found, permission_denied,
   * inbox_full, storage_full, unavailable
   */
  send(from: string, input: SendInput): Promise<Sent>;
}

/** A message that waits: for its admission, then for the one before it. */
interface Turn {
  readonly admitted: ReturnType<Admission["admit"]>;
  readonly before: Promise<void> | undefined;
  readonly done: () => void;
}

/** A message that needs no lookup is appended within the call. */
export function createRelay(deps: RelayDeps): Relay {
  const { counts } = deps;
  const newRecord = recordFactory(deps);

  /** Senders with messages that wait for a lookup: settles when the last of them went on. */
  const turns = new Map<string, Promise<void>>();

  /** One for all messages, so that none needs a function of its own. */
  const refusedByLog = (thrown: unknown): never => {
    noteRefused(counts, thrown);
    throw thrown;
  };

  /** A message that waits for a lookup, and those of the same sender behind it, go on in the order of the calls. */
  function sendInTurn(
    from: string,
    input: SendInput,
    admitted: ReturnType<Admission["admit"]>,
  ): Promise<Sent> {
    const before = turns.get(from);
    const turn = Promise.withResolvers<void>();
    turns.set(from, turn.promise);
    void turn.promise.then(() => {
      if (turns.get(from) === turn.promise) turns.delete(from);
    });
    return sendSlowly(from, input, { admitted, before, done: () => turn.resolve(before) });
  }

  async function sendSlowly(from: string, input: SendInput, turn: Turn): Promise<Sent> {
    let release: Release | undefined;
    let sent: Promise<Sent>;
    try {
      try {
        release = await turn.admitted;
        const route = await deps.routes.resolve(from, input.to);
        await turn.before;
        sent = accept(from, input, route);
      } catch (thrown) {
        noteRefused(counts, thrown);
        throw thrown;
      } finally {
        turn.done();
      }
      return await sent;
    } finally {
      release?.();
    }
  }

  function accept(from: string, input: SendInput, route: Route): Promise<Sent> {
    const stamped = deps.envelopes.stamp(from, route.to, input);
    if (route.kind === "channel") deps.onChannelSend(route.to.slice(1));
    return deps.log.append(route.stream, newRecord(stamped, route)).then((appended) => {
      if (appended.duplicate) counts.duplicates += 1;
      else noteAccepted(deps, stamped, route, input.ttlMs);
      return sentFromAppended(appended);
    }, refusedByLog);
  }

  return {
    send(from, input) {
      try {
        const admitted = deps.admission.admit(from);
        if (admitted !== undefined || turns.has(from)) return sendInTurn(from, input, admitted);
        const route = deps.routes.resolve(from, input.to);
        return route instanceof Promise ? sendInTurn(from, input, undefined) : accept(from, input, route);
      } catch (thrown) {
        noteRefused(counts, thrown);
        return Promise.reject(thrown);
      }
    },
  };
}

function recordFactory({ admission, bounds }: RelayDeps): (stamped: Stamped, route: Route) => NewRecord {
  const bound = { records: bounds.inboxMaxMessages, bytes: bounds.inboxMaxBytes };
  return ({ header, bytes }, route) => {
    const { id, dedupeKey, from } = header;
    const priority = admission.priority(from, header.priority);
    // A channel's stream has no reader that acknowledges; retention bounds it.
    const record = route.kind === "inbox" ? { id, bytes, priority, bound } : { id, bytes, priority };
    if (dedupeKey === "") return record;
    return { ...record, dedupe: { key: `${from}\n${dedupeKey}`, windowMs: DEDUPE_WINDOW_MS } };
  };
}

function noteAccepted(deps: RelayDeps, stamped: Stamped, route: Route, ttlMs: number | undefined): void {
  const { header, bytes } = stamped;
  deps.counts.accepted += 1;
  deps.counts.acceptedBytes += bytes.length;
  deps.traffic.count(header.from, route.to, bytes.length);
  if (ttlMs !== undefined && ttlMs > 0 && route.kind === "inbox")
    deps.onShortLived(route.stream, header.expiresUnixMs);
}

function sentFromAppended(appended: Appended): Sent {
  return {
    messageId: appended.id,
    epoch: appended.epoch,
    offset: appended.offset,
    duplicate: appended.duplicate,
  };
}
