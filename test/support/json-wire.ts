import { type HubFrame, type InMessage, placeFromCursor, type SessionWire } from "./session-wire.ts";

/** meshkore.v1.json. */
export const jsonWire: SessionWire = {
  subprotocol: "meshkore.v1.json",
  hello: ({ token, cursor, window, noDelivery }) =>
    JSON.stringify({ hello: { token, cursor, window, no_delivery: noDelivery } }),
  send: (messages) =>
    `{"send":[${messages
      .map(({ ref, to, payload, dedupeKey, ttlMs, receipts, contextId }) => {
        const head = JSON.stringify({
          ref,
          to,
          dedupe_key: dedupeKey,
          ttl_s: ttlMs === undefined ? undefined : ttlMs / 1000,
          context_id: contextId,
          receipts: receipts === true,
        });
        return `${head.slice(0, -1)},"payload":${payload}}`;
      })
      .join(",")}]}`,
  ack: ({ epoch, offset }) => JSON.stringify({ ack: `${epoch}-${offset}` }),
  ping: (number) => JSON.stringify({ ping: number }),
  read: readFrame,
};

function readFrame(data: Buffer): HubFrame {
  const frame = JSON.parse(data.toString("utf8"));
  return {
    welcome: frame.welcome && placeFromCursor(frame.welcome.cursor),
    results: (frame.result ?? []).map(outcomeFrom),
    deliveries: (frame.deliver ?? []).map(messageFromJson),
    acked: frame.acked && placeFromCursor(frame.acked),
    pong: frame.pong ?? 0,
    error: frame.error && `${frame.error.code}: ${frame.error.message}`,
  };
}

function outcomeFrom(result: Record<string, any>) {
  const place = result["error"] === undefined ? placeFromCursor(result["position"]) : { epoch: 0, offset: 0 };
  return {
    ref: Number(result["ref"]),
    id: String(result["message_id"] ?? ""),
    ...place,
    duplicate: result["duplicate"] === true,
    error: result["error"]?.code,
  };
}

/** A message as every JSON surface shows it. */
export function messageFromJson(message: Record<string, any>): InMessage {
  return {
    ...placeFromCursor(message["cursor"]),
    id: String(message["id"]),
    from: String(message["from"]),
    to: String(message["to"]),
    kind: String(message["kind"]),
    payload: JSON.stringify(message["payload"]),
  };
}
