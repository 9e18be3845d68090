import type { TestAgent } from "../support/hub.ts";
import { messageFromJson } from "../support/json-wire.ts";
import type { Cast } from "./cast.ts";
import type { Stored } from "./ledger.ts";

/** Reads every inbox as the hub holds it, behind the given offsets, without acknowledging anything. */
export async function readInboxes(
  { receivers }: Cast,
  before: ReadonlyMap<string, number>,
): Promise<Map<string, { after: number; stored: readonly Stored[] }>> {
  const inboxes = new Map<string, { after: number; stored: readonly Stored[] }>();
  for (const { agent } of receivers) {
    const after = before.get(agent.agentId) ?? 0;
    inboxes.set(agent.agentId, { after, stored: await readAll(agent, after) });
  }
  return inboxes;
}

/** @throws when an offset is missing: then the inbox has a hole */
async function readAll(agent: TestAgent, after: number): Promise<Stored[]> {
  const stored: Stored[] = [];
  for (let cursor = `1-${after}`; ; ) {
    const answer = await agent.get(`/messages?limit=500&ack=manual&cursor=${cursor}`);
    if (answer.status !== 200) throw new Error(`${agent.agentId} could not read ${cursor}: ${answer.text}`);
    const messages = answer.messages().map(messageFromJson);
    if (messages.length === 0) return stored;
    for (const { offset, id, to, payload } of messages) {
      const due = after + stored.length + 1;
      if (offset !== due)
        throw new Error(`a hole in the inbox of ${agent.agentId}: ${offset} after ${due - 1}`);
      stored.push({ id, to, content: String(JSON.parse(payload).c) });
    }
    cursor = String(answer.field("cursor"));
  }
}
