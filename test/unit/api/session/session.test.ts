import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Attachment, RelayApi, Sent } from "../../../../src/api/relay-api.ts";
import { jsonCodec } from "../../../../src/api/session/json-codec.ts";
import { Session } from "../../../../src/api/session/session.ts";
import { newCounts } from "../../../../src/model/counts.ts";
import { EMPTY_HEADER } from "../../../../src/model/envelope.ts";
import { encodeEnvelope } from "../../../../src/model/envelope-codec.ts";
import { type AgentPrincipal, unauthenticated } from "../../../../src/model/principal.ts";
import type { LogRecord } from "../../../../src/ports/message-log.ts";

const HELLO_MS = 10_000;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A session on a connection and a relay that do what the test says. */
class Stage {
  readonly sent: string[] = [];
  readonly sends: PromiseWithResolvers<Sent>[] = [];
  readonly attachment = {
    start: { epoch: 1, offset: 0 },
    ack: vi.fn((position: Attachment["start"]) => Promise.resolve(position)),
    pause: vi.fn(),
    resume: vi.fn(),
    setWindow: vi.fn(),
    detach: vi.fn(),
  };
  closed: { code: number; reason: string } | undefined;
  isFull = false;
  expiresUnixMs: number | undefined;
  authenticate = vi.fn(
    (_token: string): Promise<AgentPrincipal> =>
      Promise.resolve({
        kind: "agent",
        agentId: "bob",
        credential: { keyHash: "hash-of-bobs-key", kid: undefined },
        expiresUnixMs: this.expiresUnixMs,
      }),
  );
  readonly attach = vi.fn((): Promise<Attachment> => Promise.resolve(this.attachment));
  readonly session: Session;
  readonly counts = newCounts();
  readonly sessions = { opened: 0, closed: 0 };

  constructor(token?: string) {
    const unused = () => Promise.reject(new Error("not in this test"));
    const relay: RelayApi = {
      send: () => {
        const send = Promise.withResolvers<Sent>();
        this.sends.push(send);
        return send.promise;
      },
      attach: () => this.attach(),
      request: unused,
      receive: unused,
      acknowledge: unused,
      status: unused,
      markProcessed: unused,
      history: unused,
      deadMessages: unused,
      redrive: unused,
    };
    const options = {
      relay,
      authenticate: (bearer: string) => this.authenticate(bearer),
      hubId: "hub.test",
      maxPayloadBytes: 1000,
      maxFrameBytes: 2000,
      helloMs: HELLO_MS,
      counts: { messages: this.counts.messages, sessions: this.sessions },
    };
    const connection = {
      remoteAddress: "127.0.0.1",
      send: (frame: Uint8Array | string) => {
        this.sent.push(String(frame));
        return this.isFull ? ("full" as const) : ("ready" as const);
      },
      close: (code: number, reason: string) => {
        this.closed = { code, reason };
      },
    };
    this.session = new Session(options, { codec: jsonCodec, token, traceparent: undefined }, connection);
  }

  say(frame: object): void {
    this.session.message(Buffer.from(JSON.stringify(frame)), false);
  }

  async open(): Promise<this> {
    this.say({ hello: { token: "t" } });
    await vi.advanceTimersByTimeAsync(1);
    expect(this.sent[0]).toContain('"welcome"');
    return this;
  }

  get errors(): unknown[] {
    return this.sent.flatMap((frame) => JSON.parse(frame).error ?? []);
  }
}

function recordsOf(count: number, payloadBytes: number, first = 1): LogRecord[] {
  const header = { ...EMPTY_HEADER, id: "i", from: "a", to: "bob", contentType: "text/plain" };
  const bytes = encodeEnvelope(header, Buffer.alloc(payloadBytes, 0x78));
  return Array.from({ length: count }, (_, index) => ({ epoch: 1, offset: first + index, bytes }));
}

function offsetsIn(frames: readonly string[]): number[] {
  return frames.flatMap((frame) =>
    (JSON.parse(frame).deliver ?? []).map(({ cursor }: { cursor: string }) => Number(cursor.split("-")[1])),
  );
}

describe("a credential", () => {
  test("that does not come in time ends the connection", async () => {
    const stage = new Stage();
    await vi.advanceTimersByTimeAsync(HELLO_MS - 1);
    expect(stage.closed).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.closed).toEqual({ code: 4401, reason: "unauthenticated" });
  });

  test("that came stops that clock", async () => {
    const stage = await new Stage().open();
    await vi.advanceTimersByTimeAsync(HELLO_MS * 2);
    expect(stage.closed).toBeUndefined();
  });

  test.each(["revoked", "expired"] as const)(
    "that is %s ends the open session, and says why",
    async (why) => {
      const stage = await new Stage().open();
      stage.session.close(why);
      expect(stage.closed).toEqual({ code: 4401, reason: "unauthenticated" });
      expect(stage.errors.at(-1)).toMatchObject({
        code: "unauthenticated",
        message: expect.stringContaining(why),
        hint: expect.stringContaining("connect again"),
      });
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test("that ends while the session is being opened leaves it closed", async () => {
    const stage = new Stage("t");
    stage.attach.mockImplementation(() => Promise.reject(unauthenticated()));
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.closed).toEqual({ code: 4401, reason: "unauthenticated" });
    expect(stage.sent.join()).not.toContain("welcome");
  });

  test("is asked for once", async () => {
    const stage = await new Stage().open();
    stage.expiresUnixMs = Date.now() + 3e11;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(stage.authenticate).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("an end while it is being opened", () => {
  test("leaves no attachment behind", async () => {
    const stage = new Stage("t");
    stage.session.closed();
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.attachment.detach).toHaveBeenCalled();
    expect(stage.sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("comes when too many frames do not wait for the welcome", async () => {
    const stage = new Stage();
    stage.authenticate.mockImplementation(() => new Promise(() => undefined));
    stage.say({ hello: { token: "t" } });
    for (let n = 0; n < 100; n++) stage.say({ ping: n + 1 });
    expect(stage.closed?.code).toBe(4429);
  });
});

describe("sends", () => {
  test("that wait for their answer are bounded; the ones beyond are refused by their ref", async () => {
    const stage = await new Stage().open();
    const send = (count: number, first: number) =>
      stage.say({ send: Array.from({ length: count }, (_, n) => ({ ref: first + n, to: "a", payload: 1 })) });
    send(10_000, 1);
    send(6384, 10_001);
    expect(stage.sends).toHaveLength(16_384);
    send(2, 16_385);
    expect(stage.sends).toHaveLength(16_384);
    await vi.advanceTimersByTimeAsync(1);
    const refused = stage.sent.flatMap((frame) => JSON.parse(frame).result ?? []);
    expect(refused.map(({ ref, error }) => [ref, error.code, error.retry_after_s])).toEqual([
      [16_385, "rate_limited", 1],
      [16_386, "rate_limited", 1],
    ]);
    stage.sends[0]?.resolve({ messageId: "m", epoch: 1, offset: 1, duplicate: false });
    stage.sends[1]?.reject(new Error("a secret of the inside"));
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.sent.join()).not.toContain("secret");
    send(3, 20_000);
    expect(stage.sends).toHaveLength(16_386);
  });

  test("that are answered after the end write nothing", async () => {
    const stage = await new Stage().open();
    stage.say({ send: [{ ref: 1, to: "a", payload: 1 }] });
    stage.session.closed();
    const before = stage.sent.length;
    stage.sends[0]?.resolve({ messageId: "m", epoch: 1, offset: 1, duplicate: false });
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.sent).toHaveLength(before);
  });
});

describe("deliveries", () => {
  test("of one turn leave as one frame", async () => {
    const stage = await new Stage().open();
    for (const record of recordsOf(5, 10)) expect(stage.session.write([record])).toBe("ready");
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.sent).toHaveLength(2);
    expect(offsetsIn(stage.sent)).toEqual([1, 2, 3, 4, 5]);
  });

  test("that are large leave in frames of about 64 KiB, in order, and a record is never cut", async () => {
    const stage = await new Stage().open();
    expect(stage.session.write(recordsOf(40, 10_000))).toBe("ready");
    expect(stage.session.write(recordsOf(2, 300_000, 41))).toBe("ready");
    await vi.advanceTimersByTimeAsync(1);
    expect(offsetsIn(stage.sent)).toEqual(Array.from({ length: 42 }, (_, n) => n + 1));
    for (const frame of stage.sent)
      expect(offsetsIn([frame]).length === 1 || frame.length < 70_000).toBe(true);
  });

  test("that a full connection does not take are held, and come in order when it drains", async () => {
    const stage = await new Stage().open();
    const resume = vi.fn();
    stage.session.onReady(resume);
    stage.isFull = true;
    expect(stage.session.write(recordsOf(30, 10_000))).toBe("full");
    expect(stage.session.write(recordsOf(1, 10, 31))).toBe("full");
    expect(offsetsIn(stage.sent).length).toBeLessThan(10);
    for (let drains = 0; drains < 3; drains++) stage.session.drained();
    expect(resume).not.toHaveBeenCalled();
    stage.isFull = false;
    stage.session.drained();
    await vi.advanceTimersByTimeAsync(1);
    expect(resume).toHaveBeenCalledOnce();
    expect(offsetsIn(stage.sent)).toEqual(Array.from({ length: 31 }, (_, n) => n + 1));
  });

  test("after the end are refused as closed", async () => {
    const stage = await new Stage().open();
    stage.session.close("gap");
    expect(stage.closed).toEqual({ code: 4410, reason: "gap" });
    expect(stage.session.write(recordsOf(1, 1))).toBe("closed");
  });
});

test("is counted once as opened and once as closed, and refusals that the relay does not hear of are counted here", async () => {
  const stage = await new Stage().open();
  expect(stage.sessions).toEqual({ opened: 1, closed: 0 });
  stage.say({ send: [{ ref: 1, to: "ann" }] });
  stage.say({ send: [{ ref: 2, to: "ann", payload: 1 }] });
  expect(stage.sends).toHaveLength(1);
  expect(stage.counts.messages.refused.invalid_argument).toBe(1);
  stage.session.close("draining");
  stage.session.closed();
  expect(stage.sessions).toEqual({ opened: 1, closed: 1 });
});

test("a drain says so: 1001, and that connecting again helps", async () => {
  const stage = await new Stage().open();
  stage.session.close("draining");
  expect(stage.closed?.code).toBe(1001);
  expect(stage.errors.at(-1)).toMatchObject({ code: "unavailable", retry_after_s: expect.any(Number) });
});
