import { expect, test } from "vitest";
import { type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import { until } from "../../support/until.ts";
import { BatchSender, numberedDrafts } from "./batch-sender.ts";

const MEMBERS = 1000;
const MESSAGES = 40;
const JOINS_AT_ONCE = 50;

async function joinAll(hub: TestHub, names: readonly string[]): Promise<TestAgent[]> {
  const joined: TestAgent[] = [];
  for (let start = 0; start < names.length; start += JOINS_AT_ONCE) {
    const some = names.slice(start, start + JOINS_AT_ONCE);
    joined.push(...(await Promise.all(some.map((name) => hub.join(name)))));
  }
  return joined;
}

/** Answers when the member has been handed so many messages. */
async function untilHanded(hub: TestHub, member: TestAgent, count: number): Promise<void> {
  let handed = 0;
  const enough = Promise.withResolvers<void>();
  await SessionClient.open(
    hub.http,
    protoWire,
    { token: member.token },
    {
      delivered: (messages) => {
        handed += messages.length;
        if (handed >= count) enough.resolve();
      },
    },
  );
  await enough.promise;
}

/** The numbers in a member's inbox and their ids, as they stand there. */
async function inboxOf(member: TestAgent): Promise<readonly { n: number; id: string }[]> {
  const messages = (await member.get("/messages?limit=500&ack=manual")).messages();
  return messages.map(({ payload, id }) => ({ n: Number(payload), id }));
}

test("a kill in the middle of a fan-out to 1,000 members: each has every message after the restart, in order", () =>
  withHub({}, async (hub) => {
    const names = Array.from({ length: MEMBERS }, (_, n) => `member-${n}`);
    const members = await joinAll(hub, names);
    const owner = await hub.join("owner");
    const created = await owner.post("/channels", { name: "crowd", members: names });
    expect(created.status, created.text).toBe(201);
    const [watched] = members;
    if (watched === undefined) throw new Error("nobody joined");
    const inTheMiddle = untilHanded(hub, watched, 5);
    const writer = await BatchSender.open(hub, owner);
    // The answers of the last ones may be cut off by the kill: those may be there or not, the others must.
    const outcomes: Promise<unknown>[] = [];
    const accepted = new Map<number, string>();
    for (const [n, draft] of numberedDrafts("#crowd", MESSAGES).entries()) {
      outcomes.push(writer.send([draft]).then(([outcome]) => outcome && accepted.set(n, outcome.id)));
    }
    await inTheMiddle;
    await hub.kill();
    expect(accepted.size).toBeGreaterThan(5);
    await hub.start();

    let repeats = 0;
    for (const member of members) {
      const inbox = await until(`${member.agentId} has everything`, async () => {
        const found = await inboxOf(member);
        const there = new Set(found.map(({ id }) => id));
        return [...accepted.values()].every((id) => there.has(id)) && found;
      });
      const firsts = [...new Map(inbox.map((entry) => [entry.id, entry.n])).entries()];
      expect(firsts.map(([, n]) => n)).toEqual([...firsts.keys()]);
      for (const [id, n] of firsts) expect(accepted.get(n) ?? id).toBe(id);
      repeats += inbox.length - firsts.length;
    }
    // The position up to which all members are served is at most a message or two behind.
    expect(repeats).toBeLessThan(5 * MEMBERS);
  }));
