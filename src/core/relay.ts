import type { Header } from "../model/envelope.ts";
import { encodeEnvelope } from "../model/envelope-codec.ts";
import type { Appended, MessageLog, NewRecord, StreamName } from "../ports/message-log.ts";
import type { Admission } from "./admission.ts";
import { type CoreBounds, DEDUPE_WINDOW_MS } from "./bounds.ts";
import type { EnvelopeFactory } from "./envelope-factory.ts";
import type { SendInput, Sent } from "./messages.ts";
import type { Route, Routes } from "./routes.ts";
import type { Traffic } from "./traffic.ts";

export interface RelayDeps {
  readonly log: MessageLog;
  readonly admission: Admission;
  readonly routes: Routes;
  readonly envelopes: EnvelopeFactory;
  readonly traffic: Traffic;
  readonly bounds: CoreBounds;
  /** Called for each accepted message that ends sooner than unread ones do. */
  readonly onShortLived: (stream: StreamName, expiresUnixMs: number) => void;
  /** Called before a message goes into a channel's stream. */
  readonly onChannelSend: (channelId: string) => void;
}

/** Accepts messages: admission, route, stamp, one encoding, one append. */
export interface Relay {
  /**
   * Answers when the message is durable. Messages of one sender to one address keep the order of the calls.
   * @throws MeshError invalid_argument, too_large, rate_limited, quota_exceeded, not_found, permission_denied,
   * inbox_full, storage_full, unavailable
   */
  send(from: string, input: SendInput): Promise<Sent>;
}

export function createRelay(deps: RelayDeps): Relay {
  async function sendSlowly(from: string, input: SendInput, admitted: void | Promise<void>): Promise<Sent> {
    await admitted;
    return accept(from, input, await deps.routes.resolve(from, input.to));
  }

  function accept(from: string, input: SendInput, route: Route): Promise<Sent> {
    const header = deps.envelopes.header(from, route.to, input);
    const bytes = encodeEnvelope(header, input.payload);
    if (route.kind === "channel") deps.onChannelSend(route.to.slice(1));
    return deps.log.append(route.stream, newRecord(header, bytes, route)).then((appended) => {
      if (!appended.duplicate) noteAccepted(header, bytes.length, route, input.ttlMs);
      return sentFromAppended(appended);
    });
  }

  function newRecord(header: Header, bytes: Uint8Array, route: Route): NewRecord {
    const { id, dedupeKey, from } = header;
    const bound = { records: deps.bounds.inboxMaxMessages, bytes: deps.bounds.inboxMaxBytes };
    return {
      id,
      bytes,
      // A channel's stream has no reader that acknowledges; retention bounds it.
      ...(route.kind === "inbox" ? { bound } : {}),
      ...(dedupeKey === "" ? {} : { dedupe: { key: `${from}\n${dedupeKey}`, windowMs: DEDUPE_WINDOW_MS } }),
    };
  }

  function noteAccepted(header: Header, bytes: number, route: Route, ttlMs: number | undefined): void {
    deps.traffic.count(header.from, route.to, bytes);
    if (ttlMs !== undefined && ttlMs > 0 && route.kind === "inbox")
      deps.onShortLived(route.stream, header.expiresUnixMs);
  }

  return {
    send(from, input) {
      try {
        const admitted = deps.admission.admit(from);
        if (admitted !== undefined) return sendSlowly(from, input, admitted);
        const route = deps.routes.resolve(from, input.to);
        return route instanceof Promise ? sendSlowly(from, input, undefined) : accept(from, input, route);
      } catch (thrown) {
        return Promise.reject(thrown);
      }
    },
  };
}

function sentFromAppended(appended: Appended): Sent {
  return {
    messageId: appended.id,
    epoch: appended.epoch,
    offset: appended.offset,
    duplicate: appended.duplicate,
  };
}
