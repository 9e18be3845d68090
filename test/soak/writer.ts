import { setTimeout } from "node:timers/promises";
import type { TestAgent } from "../support/hub.ts";
import { SessionClient } from "../support/session-client.ts";
import type { OutMessage, SendOutcome, SessionWire } from "../support/session-wire.ts";
import type { Gate } from "./gate.ts";
import type { Ledger, SentMessage } from "./ledger.ts";
import { KeptAliveSender } from "./rest-sender.ts";

const RETRY_MS = 20;

export interface WriterOptions {
  readonly index: number;
  readonly round: number;
  readonly agent: TestAgent;
  readonly ledger: Ledger;
  readonly gate: Gate;
  readonly random: (limit: number) => number;
  readonly targets: readonly string[];
  readonly batch: number;
  /** Every so many messages carry a dedupe key; 0 = none. */
  readonly keyEvery: number;
  /** Claims acknowledgement before the hub answers: the check has to find it out. */
  readonly isHasty?: boolean;
  readonly base: () => string;
}

/** Makes a writer's messages and keeps what has to be sent again. */
export class WriterScript {
  readonly #options: WriterOptions;
  #turn = 0;
  #again: SentMessage[] = [];

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** What to send next: first, in order, what was under way with a key when the connection broke. */
  next(): SentMessage[] {
    const again = this.#again;
    this.#again = [];
    const batch = [...again];
    while (!this.#options.gate.isOver && batch.length < this.#options.batch) batch.push(this.#fresh());
    if (this.#options.isHasty) {
      for (const message of batch) this.#options.ledger.acknowledge(message, "", { epoch: 0, offset: 0 });
    }
    return batch;
  }

  /** These were not answered: with a key they are sent again, without one nobody knows. */
  unanswered(messages: readonly SentMessage[]): void {
    this.#again.push(...messages.filter(({ key }) => key !== undefined));
  }

  get owesRepeats(): boolean {
    return this.#again.length > 0;
  }

  answered(message: SentMessage, outcome: Omit<SendOutcome, "ref" | "duplicate">): void {
    const { ledger, isHasty } = this.#options;
    if (isHasty) return;
    if (outcome.error !== undefined) ledger.refuse(message, outcome.error);
    else ledger.acknowledge(message, outcome.id, { epoch: outcome.epoch, offset: outcome.offset });
  }

  payloadOf(message: SentMessage): string {
    const { random } = this.#options;
    const size = random(400) === 0 ? 60_000 + random(60_000) : 20 + random(900);
    return `{"c":"${message.content}","pad":"${"x".repeat(size)}"}`;
  }

  #fresh(): SentMessage {
    const { index, round, ledger, random, targets, keyEvery } = this.#options;
    const turn = ++this.#turn;
    const content = `${round}.${index}.${turn}`;
    return ledger.start({
      content,
      writer: index,
      turn,
      to: targets[random(targets.length)] ?? "",
      key: keyEvery > 0 && turn % keyEvery === 0 ? `key-${content}` : undefined,
      connection: 0,
    });
  }
}

/** Writes batch after batch over a WebSocket, each when the one before is answered, until the gate says stop. */
export async function writeBySession(options: WriterOptions, wire: SessionWire): Promise<void> {
  const { gate, agent } = options;
  const script = new WriterScript(options);
  for (let connection = 1; await gate.isOpenFor(script); connection++) {
    const waiting = new Map<number, SentMessage>();
    let wake: () => void = () => undefined;
    const session = await SessionClient.open(
      options.base(),
      wire,
      { token: agent.token, noDelivery: true },
      {
        result: (outcome) => {
          const message = waiting.get(outcome.ref);
          if (message === undefined) return;
          waiting.delete(outcome.ref);
          script.answered(message, outcome);
          if (waiting.size === 0) wake();
        },
        closed: () => wake(),
      },
    ).catch(() => undefined);
    if (session === undefined) {
      await setTimeout(RETRY_MS);
      continue;
    }
    let ref = 0;
    while (session.isOpen && (await gate.isOpenFor(script))) {
      const batch = script.next();
      const frames: OutMessage[] = [];
      for (const message of batch) {
        waiting.set(++ref, message);
        if (message.connection === 0) message.connection = connection;
        frames.push({ ref, to: message.to, payload: script.payloadOf(message), dedupeKey: message.key });
      }
      const answered = new Promise<void>((resolve) => {
        wake = resolve;
      });
      session.send(frames);
      if (session.isOpen) await answered;
    }
    script.unanswered([...waiting.values()]);
    session.cut();
  }
}

/** Writes one message after the other with POST /send over a connection that is kept. */
export async function writeByRest(options: WriterOptions): Promise<void> {
  const { gate, agent } = options;
  const script = new WriterScript(options);
  const sender = new KeptAliveSender(agent.token);
  while (await gate.isOpenFor(script)) {
    const [message] = script.next();
    if (message === undefined) break;
    const outcome = await sender.send(options.base(), {
      ref: 0,
      to: message.to,
      payload: script.payloadOf(message),
      dedupeKey: message.key,
    });
    if (outcome === undefined) {
      script.unanswered([message]);
      await setTimeout(RETRY_MS);
    } else script.answered(message, outcome);
  }
  sender.close();
}
