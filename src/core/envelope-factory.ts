import { EMPTY_HEADER, type Header, PRIORITIES } from "../model/envelope.ts";
import { encodeEnvelope, headerLength } from "../model/envelope-codec.ts";
import { MeshError } from "../model/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { type CoreBounds, MAX_DEDUPE_KEY_LENGTH } from "./bounds.ts";
import type { SendInput } from "./messages.ts";

const PRINTABLE = /^[\x20-\x7e]*$/;
const MAX_CONTENT_TYPE_LENGTH = 255;

/** A message as it will be stored. */
export interface Stamped {
  readonly header: Header;
  /** The encoded envelope. */
  readonly bytes: Uint8Array;
}

export interface EnvelopeFactory {
  /** Stamps id, time and expiry. @throws MeshError too_large, invalid_argument */
  stamp(from: string, to: string, input: SendInput): Stamped;
}

/** Checks what a sender says against the bounds, and stamps what only the hub may say. */
export function createEnvelopeFactory(deps: {
  readonly ids: () => string;
  readonly clock: Clock;
  readonly bounds: CoreBounds;
}): EnvelopeFactory {
  const { bounds } = deps;

  function check(input: SendInput): void {
    if (input.payload.length > bounds.maxPayloadBytes) {
      throw new MeshError("too_large", `a payload has at most ${bounds.maxPayloadBytes} bytes`, {
        hint: "send it in parts, or send a link to it",
      });
    }
    if (input.contentType.length > MAX_CONTENT_TYPE_LENGTH || !PRINTABLE.test(input.contentType)) {
      throw new MeshError("invalid_argument", "content_type is not a media type", {
        hint: "use a media type such as application/json or text/plain",
      });
    }
    if ((input.dedupeKey?.length ?? 0) > MAX_DEDUPE_KEY_LENGTH) {
      throw new MeshError("invalid_argument", `dedupe_key has at most ${MAX_DEDUPE_KEY_LENGTH} characters`, {
        hint: "use a UUID",
      });
    }
    if (input.priority !== undefined && !PRIORITIES.includes(input.priority)) {
      throw new MeshError("invalid_argument", "priority is not known", {
        hint: "use low, normal or high",
      });
    }
  }

  return {
    stamp(from, to, input) {
      check(input);
      const nowUnixMs = deps.clock.nowUnixMs();
      // Every field by hand: this runs for each message, and a spread costs more than all the rest here.
      const header: Header = {
        id: deps.ids(),
        from,
        to,
        kind: "MESSAGE",
        replyTo: input.replyTo ?? "",
        taskId: input.taskId ?? "",
        contextId: input.contextId ?? "",
        contentType: input.contentType,
        createdUnixMs: nowUnixMs,
        expiresUnixMs: nowUnixMs + lifeMs(input.ttlMs, bounds.unreadMs),
        priority: input.priority ?? "normal",
        dedupeKey: input.dedupeKey ?? "",
        traceparent: input.traceparent ?? "",
        via: EMPTY_HEADER.via,
        sealed: input.sealed ?? false,
        signature: EMPTY_HEADER.signature,
        annotations: input.annotations ?? EMPTY_HEADER.annotations,
        noReceipts: input.noReceipts ?? false,
      };
      const headerBytes = headerLength(header);
      if (headerBytes <= bounds.maxHeaderBytes) {
        return { header, bytes: encodeEnvelope(header, input.payload, headerBytes) };
      }
      throw new MeshError("too_large", `the header of a message has at most ${bounds.maxHeaderBytes} bytes`, {
        hint: "put what is long into the payload",
      });
    },
  };
}

/** No message outlives the retention of unread ones. */
function lifeMs(ttlMs: number | undefined, unreadMs: number): number {
  if (ttlMs === undefined || !(ttlMs > 0)) return unreadMs;
  return Math.min(Math.max(1, Math.floor(ttlMs)), unreadMs);
}
