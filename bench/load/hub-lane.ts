import { pushSend, sendTemplate } from "../hub-codec.ts";
import { HubSocket } from "../hub-socket.ts";
import { HubReader } from "./hub-reader.ts";
import type { Lane, LaneEvents } from "./lane.ts";
import type { LanePayload } from "./payload.ts";
import type { LaneSpec } from "./spec.ts";

type HubLaneSpec = Extract<LaneSpec, { wire: "hub" }>;

/** Binary, so that the hub has no reason to look into it. */
const CONTENT_TYPE = "application/octet-stream";

/** A session that sends and a session that receives and acknowledges; the receiver's inbox is new. */
export async function openHubLane(
  spec: HubLaneSpec,
  payload: LanePayload,
  events: LaneEvents,
): Promise<Lane> {
  const template = sendTemplate(spec.receiver.id, payload, CONTENT_TYPE);
  const sender = await openSender(spec, events);
  const reader = spec.receive
    ? await HubReader.open(spec.port, spec.receiver.token, payload, events)
    : undefined;
  return {
    queue: (seq) => pushSend(sender.outbox, template, seq),
    acknowledge: () => reader?.acknowledge(),
    flush: () => {
      sender.flush();
      reader?.flush();
    },
    finish: async () => reader?.finish(),
    verify: async (sent) => {
      if (reader !== undefined && reader.received !== sent) {
        events.fault(`lane ${payload.lane} received ${reader.received}, sent ${sent}`);
      }
    },
    close: () => {
      sender.close();
      reader?.close();
    },
  };
}

/** The inbox is dense and has one sender, so the first place says where every other message must be. */
function openSender(spec: HubLaneSpec, events: LaneEvents): Promise<HubSocket> {
  let base: number | undefined;
  return HubSocket.open(spec.port, spec.sender.token, {
    result: (ref, _epoch, offset, failed) => {
      base ??= offset - ref;
      if (failed !== undefined) events.fault(`send ${ref}: ${failed}`);
      else if (offset !== ref + base) events.fault(`send ${ref} became offset ${offset}, base ${base}`);
      events.accepted(ref - 1);
    },
    delivery: ({ offset }) => events.fault(`the sender was handed something at offset ${offset}`),
    acked: () => undefined,
    refused: (text) => events.fault(text),
    turn: () => events.turn(),
    failed: (error) => events.failed(error),
  });
}
