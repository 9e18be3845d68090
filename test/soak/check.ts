import type { InboxWatch } from "./inbox-watch.ts";
import type { Ledger, SentMessage, Stored } from "./ledger.ts";

/** What one round left behind. */
export interface RoundEvidence {
  readonly ledger: Ledger;
  readonly watches: readonly InboxWatch[];
  /** Every inbox from its first message of this round on, as the hub holds it at the end. */
  readonly inboxes: ReadonlyMap<string, { readonly after: number; readonly stored: readonly Stored[] }>;
  /** Channel (with #) to its members that only read. */
  readonly members: ReadonlyMap<string, readonly string[]>;
  /** Inboxes whose readers were connected to the end: they must have been handed everything. */
  readonly followed: ReadonlySet<string>;
}

export interface Verdict {
  /** Acknowledged messages that are not where they were said to be. */
  readonly lost: readonly string[];
  readonly violations: readonly string[];
}

/** Holds what clients were told against what the hub has and handed over. */
export function checkRound(evidence: RoundEvidence): Verdict {
  const lost = [...evidence.ledger.sent].flatMap((message) => lostFrom(message, evidence));
  const violations = [
    ...evidence.ledger.wrongRepeats,
    ...evidence.watches.flatMap((watch) => watch.violations),
    ...checkAnswers(evidence),
    ...checkContents(evidence),
    ...checkWriterOrder(evidence),
    ...checkHoles(evidence),
    ...checkHandedOver(evidence),
    ...[...evidence.members].flatMap(([channel, members]) => checkChannel(channel, members, evidence)),
  ];
  return { lost, violations };
}

function lostFrom(message: SentMessage, { inboxes, members }: RoundEvidence): string[] {
  if (message.state !== "accepted") return [];
  if (message.to.startsWith("#")) {
    return (members.get(message.to) ?? [])
      .filter((member) => !inboxes.get(member)?.stored.some(({ id }) => id === message.id))
      .map((member) => `${message.content} (${message.id}) of ${message.to} did not reach ${member}`);
  }
  const inbox = inboxes.get(message.to);
  if (message.id === "") {
    const isThere = inbox?.stored.some(({ content }) => content === message.content);
    return isThere ? [] : [`${message.content} was claimed and is not with ${message.to}`];
  }
  const there = inbox?.stored[message.place.offset - 1 - inbox.after];
  if (message.place.epoch === 1 && there?.id === message.id && there.content === message.content) return [];
  return [
    `${message.content} (${message.id}) is not at ${message.to} ${message.place.offset}; there is ${there?.id} ${there?.content}`,
  ];
}

function checkAnswers({ ledger }: RoundEvidence): string[] {
  return ledger.sent.flatMap((message) => {
    if (message.ids.size > 1)
      return [`${message.content} was answered with ${[...message.ids].join(" and ")}`];
    if (message.error !== "" && !message.error.includes("unavailable"))
      return [`${message.content} was refused: ${message.error}`];
    return [];
  });
}

/** No content under two ids, no id under two contents, nothing that was refused. */
function checkContents({ ledger, inboxes }: RoundEvidence): string[] {
  const wrong: string[] = [];
  const idOf = new Map<string, string>();
  const contentOf = new Map<string, string>();
  const places = new Set<string>();
  const refused = new Set(
    ledger.sent.filter(({ state }) => state === "refused").map(({ content }) => content),
  );
  for (const [agentId, { stored }] of inboxes) {
    for (const { id, content, to } of stored) {
      if ((idOf.get(content) ?? id) !== id)
        wrong.push(`${content} has two ids: ${idOf.get(content)} and ${id}`);
      if ((contentOf.get(id) ?? content) !== content) wrong.push(`${id} has two contents`);
      if (!to.startsWith("#") && to !== agentId) wrong.push(`${id} to ${to} is with ${agentId}`);
      if (!to.startsWith("#") && places.has(id)) wrong.push(`${id} is stored twice`);
      if (refused.has(content)) wrong.push(`${content} was refused and is with ${agentId}`);
      idOf.set(content, id);
      contentOf.set(id, content);
      places.add(id);
    }
  }
  return wrong;
}

/** What one writer sent to one address stands in the order in which it sent it. */
function checkWriterOrder({ inboxes }: RoundEvidence): string[] {
  const wrong: string[] = [];
  for (const [agentId, { stored }] of inboxes) {
    const turns = new Map<string, number>();
    const seen = new Set<string>();
    for (const { content, to, id } of stored) {
      // A channel's message may come twice after a crash; its first place counts.
      if (seen.has(id)) continue;
      seen.add(id);
      const [, writer = "", turn = ""] = content.split(".");
      const lane = `${writer} to ${to}`;
      if (Number(turn) <= (turns.get(lane) ?? 0))
        wrong.push(`${agentId}: ${content} after turn ${turns.get(lane)}`);
      turns.set(lane, Number(turn));
    }
  }
  return wrong;
}

/**
 * Of what went over one connection to one inbox, a beginning is there: what the crash cut off is a tail. Messages
 * with a key are left out, since they are sent again.
 */
function checkHoles({ ledger, inboxes }: RoundEvidence): string[] {
  const wrong: string[] = [];
  const there = new Map(
    [...inboxes].map(([id, { stored }]) => [id, new Set(stored.map(({ content }) => content))]),
  );
  const missing = new Map<string, string>();
  for (const { content, writer, to, key, connection, state } of ledger.sent) {
    const inbox = there.get(to);
    if (inbox === undefined || key !== undefined || connection === 0 || state === "refused") continue;
    const lane = `${writer}/${connection}/${to}`;
    const before = missing.get(lane);
    if (!inbox.has(content)) missing.set(lane, before ?? content);
    else if (before !== undefined) wrong.push(`${content} is with ${to} without ${before}`);
  }
  return wrong;
}

/** What readers were handed is what is stored, and those that stayed to the end were handed all of it. */
function checkHandedOver({ watches, inboxes, followed }: RoundEvidence): string[] {
  const wrong: string[] = [];
  for (const { agentId, ids } of watches) {
    const inbox = inboxes.get(agentId);
    if (inbox === undefined) continue;
    const end = inbox.after + inbox.stored.length;
    if (followed.has(agentId) && ids.length < end)
      wrong.push(`${agentId} was handed ${ids.length} of ${end}`);
    for (let offset = inbox.after + 1; offset <= ids.length; offset++) {
      const stored = inbox.stored[offset - 1 - inbox.after]?.id;
      if (ids[offset - 1] !== stored)
        wrong.push(`${agentId} ${offset}: handed ${ids[offset - 1]}, stored ${stored}`);
    }
  }
  return wrong;
}

/** Every member has the channel's messages in one and the same order, which is the order of their positions. */
function checkChannel(channel: string, members: readonly string[], evidence: RoundEvidence): string[] {
  const wrong: string[] = [];
  const offsetOf = new Map<string, number>();
  for (const { to, id, place, state } of evidence.ledger.sent) {
    if (to === channel && state === "accepted") offsetOf.set(id, place.offset);
  }
  let common: string | undefined;
  for (const member of members) {
    const stored = evidence.inboxes.get(member)?.stored ?? [];
    const order = [...new Set(stored.filter(({ to }) => to === channel).map(({ id }) => id))];
    let last = 0;
    for (const id of order) {
      const offset = offsetOf.get(id);
      if (offset !== undefined && offset <= last)
        wrong.push(`${member}: ${id} of ${channel} is out of order`);
      last = offset ?? last;
    }
    common ??= order.join();
    if (order.join() !== common) wrong.push(`${member} has ${channel} otherwise than ${members[0]}`);
  }
  return wrong;
}
