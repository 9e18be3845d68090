import { pushSend, sendTemplate } from "../hub-codec.ts";
import { HubSocket } from "../hub-socket.ts";
import type { Fanout, FanoutEvents } from "./fanout.ts";
import { HubReader } from "./hub-reader.ts";
import { openAll } from "./open-all.ts";
import type { LanePayload } from "./payload.ts";
import type { FanoutSpec } from "./spec.ts";

type HubTarget = Extract<FanoutSpec["target"], { wire: "hub" }>;

/** A channel: one sender, and a session per member. */
export async function openHubFanout(
  target: HubTarget,
  payload: LanePayload,
  events: FanoutEvents,
): Promise<Fanout> {
  const template = sendTemplate(`#${target.channel}`, payload, "application/octet-stream");
  const readers = await openAll(target.members, (login, member) =>
    HubReader.open(target.port, login.token, payload, {
      delivered: (seq) => events.delivered(member, seq),
      turn: () => undefined,
      fault: (text) => events.fault(`member ${member}: ${text}`),
      failed: (error) => events.failed(error),
    }),
  );
  const sender = await HubSocket.open(target.port, target.sender.token, {
    result: (ref, _epoch, _offset, failed) => {
      if (failed !== undefined) events.fault(`send ${ref}: ${failed}`);
      events.accepted(ref - 1);
    },
    delivery: () => undefined, // a sender that is a member itself gets its own messages; they are not counted
    acked: () => undefined,
    refused: (text) => events.fault(text),
    turn: () => undefined,
    failed: (error) => events.failed(error),
  });
  return {
    send: (seq) => {
      pushSend(sender.outbox, template, seq);
      sender.flush();
    },
    acknowledge: async () => void (await Promise.all(readers.map((reader) => reader.finish()))),
    close: () => {
      sender.close();
      for (const reader of readers) reader.close();
    },
  };
}
