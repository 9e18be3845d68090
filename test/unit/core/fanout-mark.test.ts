import { expect, it } from "vitest";
import { Delivery } from "../../../src/core/delivery.ts";
import { createFanout } from "../../../src/core/fanout.ts";
import { newCounts } from "../../../src/model/counts.ts";
import { EMPTY_HEADER } from "../../../src/model/envelope.ts";
import { encodeEnvelope } from "../../../src/model/envelope-codec.ts";
import type { Appended, LogPage, LogRecord, MessageLog } from "../../../src/ports/message-log.ts";
import { createMemoryStores } from "../../support/memory-stores.ts";
import { until } from "../../support/until.ts";

const END = { epoch: 1, offset: 1 };

/** A channel of one message; appends to inboxes are answered only when the test says so. */
class HeldLog implements MessageLog {
  readonly traits = { durability: "process", shared: false, lossyWakes: false } as const;
  readonly answers: (() => void)[] = [];
  readonly marks: number[] = [];
  readonly #record: LogRecord;

  constructor(record: LogRecord) {
    this.#record = record;
  }

  append(stream: string): Promise<Appended> {
    return new Promise((resolve) =>
      this.answers.push(() => resolve({ ...END, id: stream, duplicate: false })),
    );
  }

  async read(_stream: string, { from }: { readonly from: { readonly offset: number } }): Promise<LogPage> {
    return { records: from.offset === 0 ? [this.#record] : [], gap: false, first: END, end: END };
  }

  async ack(_stream: string, _reader: string, position: { readonly offset: number }) {
    this.marks.push(position.offset);
    return { ...END, atUnixMs: 0 };
  }

  async acked() {
    return { epoch: 1, offset: 0, atUnixMs: 0 };
  }

  async trim(): Promise<number> {
    return 0;
  }

  watch(): () => void {
    return () => undefined;
  }

  async locate(): Promise<undefined> {
    return undefined;
  }
}

it("says that every member has a message only when every pointer is durable", async () => {
  const bytes = encodeEnvelope({ ...EMPTY_HEADER, id: "x", from: "alice", to: "#team" }, new Uint8Array(1));
  const log = new HeldLog({ ...END, bytes });
  const { channels, outcomes } = createMemoryStores();
  const channel = {
    channelId: "team",
    ownerId: "alice",
    description: "",
    isPrivate: false,
    createdUnixMs: 0,
  };
  await channels.create(channel, ["alice", "bob", "carol"]);
  const clock = { nowUnixMs: () => 0, steadyMs: () => 0 };
  const delivery = new Delivery({
    log,
    clock,
    outcomes,
    counts: newCounts().deliveries,
    onExpired: () => undefined,
  });
  const told: string[] = [];
  const note = (event: string): void => void told.push(event);
  const logger = { debug: note, info: note, warn: note, error: note };
  const fanout = createFanout({ log, channels, delivery, logger });
  fanout.wake("team");
  await until("both members are being served", () => log.answers.length === 2);
  // One commit may take the mark and not yet all the pointers: a crash in between would lose the rest.
  expect(log.marks).toEqual([]);
  log.answers[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(log.marks).toEqual([]);
  log.answers[1]?.();
  await until("the mark", () => log.marks.length === 1);
  expect(log.marks).toEqual([1]);
  await fanout.stop();
  expect(told).toEqual([]);
});
