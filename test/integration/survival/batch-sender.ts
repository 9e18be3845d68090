import type { TestAgent, TestHub } from "../../support/hub.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import type { OutMessage, SendOutcome } from "../../support/session-wire.ts";

export type Draft = Omit<OutMessage, "ref">;

/** A session that only sends: batch after batch, each when the one before is answered. */
export class BatchSender {
  readonly #session: SessionClient;
  readonly #waiting: Map<number, (outcome: SendOutcome) => void>;
  #ref = 0;

  static async open(hub: TestHub, agent: TestAgent): Promise<BatchSender> {
    const waiting = new Map<number, (outcome: SendOutcome) => void>();
    const hello = { token: agent.token, noDelivery: true };
    const session = await SessionClient.open(hub.http, protoWire, hello, {
      result: (outcome) => {
        waiting.get(outcome.ref)?.(outcome);
        waiting.delete(outcome.ref);
      },
    });
    return new BatchSender(session, waiting);
  }

  private constructor(session: SessionClient, waiting: Map<number, (outcome: SendOutcome) => void>) {
    this.#session = session;
    this.#waiting = waiting;
  }

  /** In one frame; the answers in the order of the drafts. */
  send(drafts: readonly Draft[]): Promise<SendOutcome[]> {
    const messages = drafts.map((draft) => ({ ...draft, ref: ++this.#ref }));
    const answers = messages.map(
      ({ ref }) => new Promise<SendOutcome>((resolve) => this.#waiting.set(ref, resolve)),
    );
    this.#session.send(messages);
    return Promise.all(answers);
  }

  /** @throws when one is refused */
  async sendAll(drafts: readonly Draft[], batch: number): Promise<SendOutcome[]> {
    const outcomes: SendOutcome[] = [];
    for (let start = 0; start < drafts.length; start += batch) {
      outcomes.push(...(await this.send(drafts.slice(start, start + batch))));
    }
    const refused = outcomes.find(({ error }) => error !== undefined);
    if (refused !== undefined) throw new Error(`a send was refused: ${refused.error}`);
    return outcomes;
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/** `count` drafts to one address; the payload of the nth is n, padded to about `bytes`. */
export function numberedDrafts(to: string, count: number, bytes = 0): Draft[] {
  return Array.from({ length: count }, (_, n) => ({
    to,
    payload: bytes === 0 ? String(n) : `{"n":${n},"pad":"${"x".repeat(bytes)}"}`,
  }));
}
