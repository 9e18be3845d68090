import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { ErrorCode } from "../../../src/gen/meshkore/v1/errors_pb.js";
import { SessionRequestSchema, SessionResponseSchema } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { startHub, type TestHub } from "../../support/hub.ts";
import { CALLERS, expectedOutcome } from "./expected.ts";
import { type BadBearers, badBearers, JWT_SECRET, SECRET, Stage } from "./stage.ts";
import { FRAMES } from "./table.ts";

type FrameInit = MessageInitShape<typeof SessionRequestSchema>;
type Field = keyof typeof FRAMES;

let hub: TestHub;
let bad: BadBearers;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_JWT_SECRET: JWT_SECRET } });
  bad = await badBearers(hub);
});
afterAll(() => hub?.[Symbol.asyncDispose]());

/** A right frame with the field, in either wire's words. One that is missing does not compile. */
const FRAME: { readonly [Name in Field]: (stage: Stage) => { json: object; proto: FrameInit } } = {
  hello: () => ({ json: {}, proto: {} }),
  send: ({ owner }) => ({
    json: { send: [{ ref: 1, to: owner.agentId, payload: "in" }] },
    proto: {
      send: [{ ref: 1n, to: owner.agentId, payload: Buffer.from('"in"'), contentType: "application/json" }],
    },
  }),
  ack: () => ({ json: { ack: "1-1" }, proto: { ack: { epoch: 1n, offset: 1n } } }),
  flow: () => ({ json: { flow: { resume: true } }, proto: { flow: { resume: true } } }),
  ping: () => ({ json: { ping: 7 }, proto: { ping: 7n } }),
};

/** How the token comes to the hub. */
const PLACES = ["header", "subprotocol", "hello"] as const;
type Place = (typeof PLACES)[number];
const WIRES = ["json", "proto"] as const;
type Wire = (typeof WIRES)[number];

interface Told {
  readonly text: string;
  readonly welcome: boolean;
  readonly error: string | undefined;
  readonly close: number | undefined;
}

/** Says the frame at once, and gives what came until the hub closed or had handled the frame. */
async function say(
  wire: Wire,
  place: Place,
  bearer: string | undefined,
  frame: { json: object; proto: FrameInit },
): Promise<Told> {
  const protocols = [`meshkore.v1.${wire}`];
  if (place === "subprotocol" && bearer !== undefined) protocols.push(`meshkore.bearer.${bearer}`);
  const headers = place === "header" && bearer !== undefined ? { authorization: `Bearer ${bearer}` } : {};
  const socket = new WebSocket(`${hub.http.replace("http", "ws")}/ws`, protocols, { headers });
  const hello = place === "hello" && bearer !== undefined ? { token: bearer } : undefined;
  const told = {
    text: "",
    welcome: false,
    error: undefined as string | undefined,
    close: undefined as number | undefined,
  };
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("open", () => {
      for (const part of [frame, { json: { ping: 99 }, proto: { ping: 99n } }]) {
        const isFirst = part === frame;
        const withHello = isFirst && hello !== undefined ? { hello } : {};
        socket.send(
          wire === "json"
            ? JSON.stringify({ ...part.json, ...withHello })
            : toBinary(
                SessionRequestSchema,
                create(SessionRequestSchema, Object.assign({}, part.proto, withHello)),
              ),
        );
      }
    });
    socket.on("message", (data: Buffer) => {
      const { welcome, error, pong, text } = wire === "json" ? jsonFrame(data) : protoFrame(data);
      told.text += text;
      told.welcome ||= welcome;
      told.error ??= error;
      if (pong === 99) socket.close();
    });
    socket.on("close", (code) => resolve({ ...told, close: code === 1005 ? undefined : code }));
  });
}

function jsonFrame(data: Buffer) {
  const text = data.toString();
  const frame = JSON.parse(text);
  return {
    text,
    welcome: frame.welcome !== undefined,
    error: frame.error?.code,
    pong: Number(frame.pong ?? 0),
  };
}

function protoFrame(data: Buffer) {
  const frame = fromBinary(SessionResponseSchema, data);
  const error = frame.error && ErrorCode[frame.error.code]?.toLowerCase();
  return {
    text: data.toString("latin1"),
    welcome: frame.welcome !== undefined,
    error,
    pong: Number(frame.pong),
  };
}

test("the table has every field of a frame", () => {
  const names = SessionRequestSchema.fields.map(({ localName }) => localName);
  expect(Object.keys(FRAMES).toSorted()).toEqual(names.toSorted());
});

describe.each(WIRES)("a frame on the %s wire", (wire) => {
  const fields = Object.keys(FRAMES) as Field[];
  test.each(fields)("with %s is for those whom the table says", async (field) => {
    const rule = FRAMES[field];
    const stage = await Stage.open(hub, bad);
    await stage.received();
    const frame = FRAME[field](stage);
    const before = await stage.state();
    for (const caller of CALLERS.filter((each) => expectedOutcome(rule, each) !== "ok")) {
      for (const place of PLACES) {
        for (const bearer of stage.bearersOf(caller)) {
          const told = await say(wire, place, bearer, frame);
          const { error, close, welcome } = told;
          const expected = [caller, place, expectedOutcome(rule, caller), 4401, false];
          expect([caller, place, error, close, welcome]).toEqual(expected);
          expect(told.text).not.toContain(SECRET);
        }
      }
    }
    expect(await stage.state(), "what was refused changed something").toEqual(before);
    for (const place of PLACES) {
      const owners = await say(wire, place, stage.owner.apiKey, frame);
      expect([place, owners.welcome, owners.close]).toEqual([place, true, undefined]);
    }
  });

  test("of another agent reads, moves and pauses nothing of the owner's", async () => {
    const stage = await Stage.open(hub, bad);
    await stage.received();
    await stage.received();
    const before = await stage.state();
    for (const field of ["ack", "flow", "ping"] as const) {
      const told = await say(wire, "hello", stage.other.token, FRAME[field](stage));
      expect(told.welcome).toBe(true);
      expect(told.text).not.toContain(SECRET);
    }
    expect(await stage.state()).toEqual(before);
  });
});
