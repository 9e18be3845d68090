import { expect, test } from "vitest";
import { baseOf, grpcWire } from "../../support/grpc-wire.ts";
import { withHub } from "../../support/hub.ts";
import { SessionClient } from "../../support/session-client.ts";
import type { InMessage, SendOutcome } from "../../support/session-wire.ts";
import { until } from "../../support/until.ts";

const BATCHES = 40;
const BATCH = 50;

test("a hub that is killed in the middle loses nothing it accepted, and a reader goes on by its cursor", () =>
  withHub({}, async (hub) => {
    const [writer, reader] = [await hub.join("writer"), await hub.join("reader")];
    const accepted: SendOutcome[] = [];
    const got: InMessage[] = [];
    let codes: number[] = [];
    const open = (token: string, hello: object) =>
      SessionClient.open(
        baseOf(hub, grpcWire),
        grpcWire,
        { token, ...hello },
        {
          result: (outcome) => accepted.push(outcome),
          delivered: (messages) => got.push(...messages),
          closed: (code) => codes.push(code),
        },
      );
    const sending = await open(writer.token, { noDelivery: true });
    await open(reader.token, {});
    for (let batch = 0; batch < BATCHES; batch++) {
      const refs = Array.from({ length: BATCH }, (_, index) => batch * BATCH + index + 1);
      sending.send(refs.map((ref) => ({ ref, to: "reader", payload: String(ref) })));
    }
    await until("some are there", () => accepted.length >= BATCH && got.length >= BATCH);
    await hub.kill();
    await until("both hear of it", () => codes.length === 2);
    // UNAVAILABLE, or CANCELLED where the connection broke in the middle of a frame.
    expect(codes.every((code) => code === 14 || code === 1)).toBe(true);

    await hub.start();
    codes = [];
    const before = got.length;
    const last = got.at(-1);
    if (last === undefined) throw new Error("nothing was delivered");
    const again = await open(reader.token, { cursor: `${last.epoch}-${last.offset}` });
    expect(again.start).toEqual({ epoch: last.epoch, offset: last.offset });
    // On a fast machine the reader had all of them before the hub was killed: one more, so that something follows.
    const one = await writer.post("/send", { to: "reader", payload: "after the start" });
    expect(one.status).toBe(202);
    await until("all that was accepted", () => got.some(({ id }) => id === one.field("message_id")));
    const lastAccepted = Math.max(...accepted.map(({ offset }) => offset));
    expect(got.at(-1)?.offset).toBeGreaterThan(lastAccepted);
    expect(got[before]?.offset).toBe(last.offset + 1);
    expect(got.map(({ offset }) => offset)).toEqual(got.map((_, index) => index + 1));
    const ids = new Set(got.map(({ id }) => id));
    expect(accepted.filter(({ error, id }) => error === undefined && !ids.has(id))).toEqual([]);
    await again.close();
    expect(codes).toEqual([1000]);
  }));

test("the last answer of a session that says all and ends its side comes before the end", () =>
  withHub({}, async (hub) => {
    const [writer, reader] = [await hub.join("writer"), await hub.join("reader")];
    const accepted: SendOutcome[] = [];
    const codes: number[] = [];
    const session = await SessionClient.open(
      baseOf(hub, grpcWire),
      grpcWire,
      { token: writer.token },
      { result: (outcome) => accepted.push(outcome), closed: (code) => codes.push(code) },
    );
    session.send(Array.from({ length: 500 }, (_, index) => ({ ref: index + 1, to: "reader", payload: "1" })));
    await session.close();
    await until("the end", () => codes.length === 1);
    expect(codes).toEqual([1000]);
    expect(accepted.map(({ ref }) => ref)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    expect((await reader.get("/messages?limit=500")).messages()).toHaveLength(500);
  }));
