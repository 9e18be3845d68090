import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EnvelopeSchema } from "../../../src/gen/meshkore/v1/envelope_pb.js";
import { ErrorCode, ErrorDetailSchema } from "../../../src/gen/meshkore/v1/errors_pb.js";
import { type AttachResponse, type Delivery, RelayService } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { startHub, type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { ANY_WIRE, clientOf, WIRES, type Wire } from "./wires.ts";

const FETCH_WIRE = WIRES.find(({ name }) => name === "gRPC-Web, binary, connect-web");

let hub: TestHub;
let sendersRelay: ReturnType<typeof relayOf>;
let count = 0;
beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_SESSIONS_PER_AGENT: "4" } });
  sendersRelay = relayOf(await hub.join("sender"));
});
afterAll(() => hub?.[Symbol.asyncDispose]());

const relayOf = (agent: TestAgent, wire: Wire = ANY_WIRE, of: TestHub = hub) =>
  clientOf(RelayService, wire, of.http, agent.token);

async function newReader(messages = 0): Promise<TestAgent> {
  const reader = await hub.join(`reader-${++count}`);
  for (let n = 1; n <= messages; n++) await send(reader, String(n));
  return reader;
}

async function send(to: TestAgent, text: string): Promise<string> {
  const { messageId } = await sendersRelay.send({
    to: to.agentId,
    payload: Buffer.from(text),
    noReceipts: true,
  });
  return messageId;
}

/** One attachment, read as a client reads it: what is not asked for is not taken from the wire. */
class Reading {
  readonly abort = new AbortController();
  readonly #answers: AsyncIterator<AttachResponse>;
  #held: Delivery[] = [];

  constructor(
    agent: TestAgent,
    request: { cursor?: string; window?: number } = {},
    wire?: Wire,
    of?: TestHub,
  ) {
    const answers = relayOf(agent, wire, of).attach(request, { signal: this.abort.signal });
    this.#answers = answers[Symbol.asyncIterator]();
  }

  async welcome() {
    const { value } = await this.#answers.next();
    if (value?.welcome === undefined) return expect.fail("no welcome came first");
    return value.welcome;
  }

  async texts(wanted: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < wanted) {
      if (this.#held.length === 0) {
        const { value, done } = await this.#answers.next();
        if (done === true) expect.fail(`it ended after ${texts}`);
        this.#held = value.deliver;
      }
      const next = this.#held.shift();
      if (next !== undefined) texts.push(textOf(next));
    }
    return texts;
  }

  async end(): Promise<ConnectError> {
    return this.#answers.next().then(
      ({ value }) => expect.fail(`it goes on with ${JSON.stringify(value?.deliver.length)}`),
      (thrown: unknown) => ConnectError.from(thrown),
    );
  }
}

function textOf({ envelope }: Delivery): string {
  return Buffer.from(fromBinary(EnvelopeSchema, envelope).payload).toString();
}

function meshCodeOf(error: ConnectError): ErrorCode | undefined {
  return error.findDetails(ErrorDetailSchema)[0]?.code;
}

async function openStreams(): Promise<number> {
  const { text } = await hub.admin("GET", "/metrics");
  return Number(/^mesh_streams_open\{adapter="connect"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

describe.each(WIRES)("an inbox followed over $name", (wire) => {
  test("begins after the last ack, and goes on where a cursor says", async () => {
    const reader = await newReader(5);
    const first = new Reading(reader, {}, wire);
    expect(await first.welcome()).toMatchObject({ cursor: "1-0", agentId: reader.agentId });
    expect(await first.texts(3)).toEqual(["1", "2", "3"]);
    first.abort.abort();
    await relayOf(reader, wire).acknowledge({ cursor: "1-2" });

    const again = new Reading(reader, {}, wire);
    expect((await again.welcome()).cursor).toBe("1-2");
    expect(await again.texts(3)).toEqual(["3", "4", "5"]);
    again.abort.abort();

    const resumed = new Reading(reader, { cursor: "1-4" }, wire);
    expect((await resumed.welcome()).cursor).toBe("1-4");
    expect(await resumed.texts(1)).toEqual(["5"]);
    const live = resumed.texts(1);
    await send(reader, "6");
    expect(await live).toEqual(["6"]);
    resumed.abort.abort();
  });

  test("waits for acks at the end of its window", async () => {
    const reader = await newReader(4);
    const reading = new Reading(reader, { window: 2 }, wire);
    await reading.welcome();
    expect(await reading.texts(2)).toEqual(["1", "2"]);
    const next = reading.texts(2);
    await relayOf(reader, wire).acknowledge({ cursor: "1-2" });
    expect(await next).toEqual(["3", "4"]);
    reading.abort.abort();
  });

  test("is refused with a cursor of elsewhere", async () => {
    const error = await new Reading(await newReader(), { cursor: "9-9" }, wire).end();
    expect([error.code, meshCodeOf(error)]).toEqual([Code.OutOfRange, ErrorCode.GAP]);
  });
});

describe("an inbox that is followed", () => {
  test("mirrors: each reading gets everything", async () => {
    const reader = await newReader(2);
    const readings = [new Reading(reader), new Reading(reader)];
    for (const reading of readings) {
      await reading.welcome();
      expect(await reading.texts(2)).toEqual(["1", "2"]);
      reading.abort.abort();
    }
  });

  test("has a bound of readings, which those that left do not count against", async () => {
    const reader = await newReader();
    const readings = Array.from({ length: 4 }, () => new Reading(reader));
    for (const reading of readings) await reading.welcome();
    const error = await new Reading(reader).end();
    expect([error.code, meshCodeOf(error)]).toEqual([Code.ResourceExhausted, ErrorCode.RATE_LIMITED]);
    expect(error.metadata.get("retry-after")).toBe("5");
    for (const reading of readings) reading.abort.abort();
    const open = await until("a place", async () => {
      const reading = new Reading(reader);
      return reading.welcome().then(
        () => reading,
        () => undefined,
      );
    });
    open.abort.abort();
    await until("no stream that is still open", async () => (await openStreams()) === 0);
  });

  test("ends when the agent is deleted", async () => {
    const reader = await newReader();
    const reading = new Reading(reader);
    await reading.welcome();
    await hub.admin("DELETE", `/agents/${reader.agentId}`);
    const error = await reading.end();
    expect([error.code, meshCodeOf(error)]).toEqual([Code.Unauthenticated, ErrorCode.UNAUTHENTICATED]);
  });

  test("ends with its deadline", async () => {
    const reader = await newReader();
    const answers = relayOf(reader).attach({}, { timeoutMs: 300 })[Symbol.asyncIterator]();
    await answers.next();
    await expect(answers.next()).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    await until("no stream that is still open", async () => (await openStreams()) === 0);
  });

  test("holds a reader that does not read back in the log, and loses nothing", async () => {
    const reader = await newReader();
    // The client of connect-node reads ahead without a bound; one that builds on fetch does not.
    const reading = new Reading(reader, {}, FETCH_WIRE);
    await reading.welcome();
    const sent = Array.from({ length: 24 }, (_, n) => `${n} `.padEnd(900_000, "."));
    const ids: string[] = [];
    for (const text of sent) ids.push(await send(reader, text));
    const status = await reader.get(`/messages/${ids.at(-1)}/status`);
    expect(status.field("status"), "21 MB cannot all have been handed out").toBe("accepted");
    for (const text of sent) expect((await reading.texts(1))[0] === text).toBe(true);
    reading.abort.abort();
  }, 90_000);

  test("says that the hub stops, and goes on after its start", async () => {
    await withHub({}, async (own) => {
      const [from, to] = [await own.join("from"), await own.join("to")];
      const reading = new Reading(to, {}, ANY_WIRE, own);
      await reading.welcome();
      await relayOf(from, ANY_WIRE, own).send({ to: "to", payload: Buffer.from("1") });
      expect(await reading.texts(1)).toEqual(["1"]);
      const ended = reading.end();
      expect(await own.stop()).toBe(0);
      const error = await ended;
      expect([error.code, meshCodeOf(error)]).toEqual([Code.Unavailable, ErrorCode.UNAVAILABLE]);
      await own.start();
      const again = new Reading(to, {}, ANY_WIRE, own);
      await again.welcome();
      expect(await again.texts(1)).toEqual(["1"]);
      again.abort.abort();
    });
  });
});
