import { grpcWire } from "../../support/grpc-wire.ts";
import type { TestAgent, TestHub } from "../../support/hub.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import type { InMessage, SendOutcome } from "../../support/session-wire.ts";
import { until } from "../../support/until.ts";
import type { Target } from "../target.ts";

const EVERY_MS = 20;
const BATCH = 4;
const SETTLE_MS = 60_000;

/**
 * Two agents that do nothing wrong, on one session each, while others attack: one sends all the time, the other
 * acknowledges what comes.
 */
export class HonestPair {
  readonly #sent: string[] = [];
  readonly #answered = new Map<number, SendOutcome>();
  readonly #received: InMessage[] = [];
  readonly #receiver: TestAgent;
  #acked = 0;
  #lastRef = 0;
  readonly #faults: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sender: SessionClient | undefined;
  #reader: SessionClient | undefined;

  static async open({ hub, isTls }: Target): Promise<HonestPair> {
    const [sender, receiver] = await Promise.all([hub.join("honest-sender"), hub.join("honest-receiver")]);
    const pair = new HonestPair(receiver);
    await pair.#open(hub, isTls, { sender, receiver });
    return pair;
  }

  private constructor(receiver: TestAgent) {
    this.#receiver = receiver;
  }

  get acknowledged(): number {
    return this.#answered.size;
  }

  /** One message more goes through: sent, delivered and acknowledged. @throws with what the pair was told, when not */
  async roundTrip(): Promise<void> {
    this.#send(1);
    const ref = this.#lastRef;
    const isAnswered = (): boolean => this.#answered.has(ref);
    const isThrough = (): boolean =>
      this.#acked >= (this.#answered.get(ref)?.offset ?? Number.POSITIVE_INFINITY);
    try {
      await until("an honest message through", isThrough, SETTLE_MS);
    } catch (cause) {
      const where = isAnswered() ? "accepted, but not acknowledged" : "not accepted";
      throw new Error(`an honest message was ${where}; ${this.#faults.join("; ")}`, { cause });
    }
  }

  /** Ends the traffic, and tells what went wrong with it: what was accepted is delivered once, in order, and stored so. */
  async settle(): Promise<readonly string[]> {
    clearInterval(this.#timer);
    await until("every send answered", () => this.#answered.size === this.#sent.length, SETTLE_MS).catch(
      () => undefined,
    );
    const accepted = [...this.#answered.values()].filter(({ error }) => error === undefined);
    const refused = this.#answered.size - accepted.length;
    await until("all delivered", () => this.#received.length >= accepted.length, SETTLE_MS).catch(
      () => undefined,
    );
    const faults = [...this.#faults];
    if (refused > 0) faults.push(`${refused} honest sends were refused`);
    if (this.#answered.size < this.#sent.length)
      faults.push(`${this.#sent.length - this.#answered.size} sends were not answered`);
    const expected = accepted.sort((one, other) => one.ref - other.ref).map(({ id }) => id);
    faults.push(
      ...difference(
        "delivered",
        expected,
        this.#received.map(({ id }) => id),
      ),
    );
    faults.push(...difference("stored", expected, await storedIds(this.#receiver)));
    await Promise.all([this.#sender?.close(), this.#reader?.close()]);
    return faults;
  }

  async #open(
    hub: TestHub,
    isTls: boolean,
    { sender, receiver }: Readonly<Record<"sender" | "receiver", TestAgent>>,
  ): Promise<void> {
    // Both ports have an honest client: one reads here what the other sends there.
    this.#reader = await SessionClient.open(
      `${isTls ? "grpcs" : "grpc"}://${hub.grpc}`,
      grpcWire,
      { token: receiver.token },
      {
        delivered: (messages, client) => {
          this.#received.push(...messages);
          const last = messages.at(-1);
          if (last !== undefined) client.ack(last);
        },
        acked: ({ offset }) => {
          this.#acked = Math.max(this.#acked, offset);
        },
        error: (text) => this.#faults.push(`the honest reader was told ${text}`),
        closed: (code) => this.#closed("reader", code),
      },
    );
    this.#sender = await SessionClient.open(
      hub.http,
      protoWire,
      { token: sender.token },
      {
        result: (outcome) => this.#answered.set(outcome.ref, outcome),
        error: (text) => this.#faults.push(`the honest sender was told ${text}`),
        closed: (code) => this.#closed("sender", code),
      },
    );
    this.#timer = setInterval(() => this.#send(BATCH), EVERY_MS);
  }

  #closed(who: string, code: number): void {
    // The close of `settle`: 1005 of a WebSocket, 1000 of a call.
    if (code !== 1005 && code !== 1000)
      this.#faults.push(`the session of the honest ${who} ended with ${code}`);
  }

  #send(count: number): void {
    const messages = Array.from({ length: count }, () => {
      const ref = ++this.#lastRef;
      const payload = JSON.stringify({ number: ref });
      this.#sent.push(payload);
      return { ref, to: this.#receiver.agentId, payload };
    });
    this.#sender?.send(messages);
  }
}

function difference(what: string, expected: readonly string[], found: readonly string[]): string[] {
  const at = expected.findIndex((id, index) => found[index] !== id);
  if (at >= 0)
    return [
      `${what}: number ${at + 1} of ${expected.length} should be ${expected[at]}, and is ${found[at] ?? "missing"}`,
    ];
  return found.length > expected.length
    ? [`${what}: ${found.length - expected.length} more than were accepted`]
    : [];
}

async function storedIds(agent: TestAgent): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let cursor = "1-0"; ; ) {
    const page = await agent.get(`/messages?cursor=${cursor}&limit=500&ack=manual`);
    const messages = page.messages();
    if (messages.length === 0) return ids;
    ids.push(...messages.map(({ id }) => id));
    cursor = String(page.field("cursor"));
  }
}
