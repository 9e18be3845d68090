import { type Cast, type Receiver, WINDOW } from "./cast.ts";
import type { Ledger, SentMessage } from "./ledger.ts";

const SAMPLE = 150;

/**
 * Right after a restart, before anybody reads again: the ladder must not claim more than happened, nor forget what
 * was confirmed. A reader's part is known from what its client was handed, asked and was answered.
 */
export async function checkLadder(
  ledger: Ledger,
  cast: Cast,
  random: (limit: number) => number,
): Promise<string[]> {
  const direct = ledger.sent.filter(({ state, to }) => state === "accepted" && !to.startsWith("#"));
  const ofAbsent = direct.filter(({ to }) => to === "absent").slice(-20);
  const sample = Array.from({ length: Math.min(SAMPLE, direct.length) }, () => direct[random(direct.length)]);
  const wrong: string[] = [];
  for (const message of [...sample, ...ofAbsent]) {
    const sender = message && cast.writers[message.writer];
    const receiver = cast.receivers.find(({ agent }) => agent.agentId === message?.to);
    if (message === undefined || sender === undefined || receiver === undefined) continue;
    const answer = await sender.get(`/messages/${message.id}/status`);
    const problem = problemOf(String(answer.field("status") ?? answer.text), message, receiver);
    if (problem !== undefined)
      wrong.push(`${message.content} to ${message.to} ${message.place.offset}: ${problem}`);
  }
  return wrong;
}

function problemOf(status: string, { place }: SentMessage, { kind, watch }: Receiver): string | undefined {
  const { offset } = place;
  const wasHanded = watch.ids[offset - 1] !== undefined;
  if (watch.confirmedAck >= offset)
    return status === "read" ? undefined : `its ack was confirmed, now ${status}`;
  if (status === "accepted") return undefined;
  if (status === "read") return watch.askedAck >= offset ? undefined : "read, and nobody acknowledged it";
  if (status !== "delivered") return `claims ${status}`;
  if (kind === "absent") return "delivered, and nobody was there";
  // What the hub had handed to a socket when it was killed, its reader may never have seen.
  const couldBeOnItsWay = kind !== "proto-window" || offset <= watch.askedAck + WINDOW;
  return wasHanded || couldBeOnItsWay ? undefined : "delivered, and the window had no room for it";
}
