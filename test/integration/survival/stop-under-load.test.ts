import { expect, test } from "vitest";
import { type TestAgent, withHub } from "../../support/hub.ts";
import { restCall } from "../../support/rest-client.ts";
import { BatchSender, numberedDrafts } from "./batch-sender.ts";

/** Every id in the inbox, in order. */
async function idsOf(reader: TestAgent): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor = "1-0"; ; ) {
    const page = await reader.get(`/messages?limit=500&ack=manual&cursor=${cursor}`);
    const messages = page.messages();
    if (messages.length === 0) return ids;
    ids.push(...messages.map(({ id }) => id));
    cursor = String(page.field("cursor"));
  }
}

test("SIGTERM in the middle of many sends: a clean exit, and everything that was accepted is there", () =>
  withHub({}, async (hub) => {
    const base = hub.http;
    const reader = await hub.join("reader");
    const accepted: { readonly id: string; readonly offset: number }[] = [];
    const enough = Promise.withResolvers<void>();
    const note = (id: string, offset: number): void => {
      accepted.push({ id, offset });
      if (accepted.length === 2000) enough.resolve();
    };
    let isStopping = false;
    for (let n = 0; n < 4; n++) {
      const sender = await hub.join(`sender-${n}`);
      const session = await BatchSender.open(hub, sender);
      const write = async (): Promise<void> => {
        while (!isStopping) {
          const outcomes = await session.send(numberedDrafts("reader", 50, 200));
          for (const { id, offset, error } of outcomes) if (error === undefined) note(id, offset);
        }
      };
      // The last batch of each may never be answered.
      void write();
      void (async () => {
        while (!isStopping) {
          const body = { to: "reader", payload: "rest", receipts: false };
          const answer = await restCall(base, "POST", "/send", { token: sender.token, body }).catch(
            () => undefined,
          );
          if (answer?.status !== 202) return;
          note(String(answer.field("message_id")), Number(String(answer.field("position")).split("-")[1]));
        }
      })();
    }
    await enough.promise;
    const code = await hub.stop();
    isStopping = true;
    expect(code).toBe(0);
    await hub.start();
    const ids = await idsOf(reader);
    expect(new Set(ids).size).toBe(ids.length);
    expect(accepted.filter(({ id, offset }) => ids[offset - 1] !== id)).toEqual([]);
  }));
