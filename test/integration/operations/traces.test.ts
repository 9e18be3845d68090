import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RelayService } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { jsonWire } from "../../support/json-wire.ts";
import { type CollectedSpan, OtlpCollector } from "../../support/otlp-collector.ts";
import { SessionClient } from "../../support/session-client.ts";
import { until } from "../../support/until.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const SAMPLED = `00-${TRACE}-${PARENT}-01`;
const PRODUCER = 4;
const CONSUMER = 5;

let collector: OtlpCollector;
let hub: TestHub;

beforeEach(async () => {
  collector = await OtlpCollector.open();
  hub = await startHub({ env: { MESHKORE_OTLP_ENDPOINT: collector.url } });
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
});

async function spanNamed(name: string, count = 1): Promise<CollectedSpan> {
  return until(`${count} of the spans '${name}'`, () => {
    const found = collector.named(name);
    return found.length >= count ? found[count - 1] : undefined;
  });
}

/** The traceparent of the first message that the page holds. */
async function received(
  agent: TestAgent,
  path = "/messages",
): Promise<{ cursor: string; traceparent: unknown }> {
  const page = await agent.get(path);
  const [message] = page.messages();
  return { cursor: String(page.field("cursor")), traceparent: Object(message).traceparent };
}

it("one trace follows a message from send to ack, over a kill -9 between them", async () => {
  const ann = await hub.join("ann");
  const bob = await hub.join("bob");
  const body = { to: "bob", payload: "hello", receipts: false };
  const sent = await ann.call("POST", "/send", { body, headers: { traceparent: SAMPLED } });
  expect(sent.status).toBe(202);
  const send = await spanNamed("send inbox");
  const append = await spanNamed("append inbox");
  await hub.kill();
  await hub.start();

  const { cursor } = await received(bob);
  await bob.post("/messages/ack", { cursor });
  const deliver = await spanNamed("deliver inbox");
  const ack = await spanNamed("ack inbox");

  const id = sent.field("message_id");
  expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  expect(send.parentSpanId).toBe(PARENT);
  for (const child of [append, deliver, ack])
    expect([child.name, child.parentSpanId]).toEqual([child.name, send.spanId]);
  expect(ack.links).toMatchObject([{ traceId: TRACE, spanId: deliver.spanId }]);
  expect([send.kind, deliver.kind]).toEqual([PRODUCER, CONSUMER]);
  for (const { attributes, resource, endMs, startMs } of [send, append, deliver, ack]) {
    expect(attributes).toMatchObject({
      "messaging.system": "meshkore",
      "messaging.destination.name": "inbox",
      "messaging.message.id": id,
    });
    expect(endMs).toBeGreaterThanOrEqual(startMs);
    expect(resource).toMatchObject({ "service.name": "meshkore", "service.namespace": "localhost" });
  }
  const operations = [send, append, deliver, ack].map(({ attributes }) => [
    attributes["messaging.operation.name"],
    attributes["messaging.operation.type"],
  ]);
  expect(operations).toEqual([
    ["send", "send"],
    ["append", undefined],
    ["deliver", "receive"],
    ["ack", "settle"],
  ]);
  // Whoever looks at traces learns no names.
  expect(JSON.stringify(collector.spans)).not.toMatch(/"(ann|bob)"/);
});

it("an ack after the restart finds its message's trace, though nobody there delivered it", async () => {
  const ann = await hub.join("ann");
  const bob = await hub.join("bob");
  for (const payload of [1, 2, 3]) await ann.post("/send", { to: "bob", payload, receipts: false });
  const { cursor } = await received(bob);
  await spanNamed("deliver inbox", 3);
  await hub.kill();
  await hub.start();
  await bob.post("/messages/ack", { cursor });
  await spanNamed("ack inbox", 3);
  const traces = (name: string) =>
    collector.named(name).map(({ traceId, parentSpanId }) => `${traceId} ${parentSpanId}`);
  expect(new Set(traces("ack inbox")).size).toBe(3);
  expect(traces("ack inbox").sort()).toEqual(traces("deliver inbox").sort());
  for (const { links } of collector.named("ack inbox")) expect(links).toEqual([]);
});

it("over a session, too, and what the receiver gets lets it go on with the trace", async () => {
  const ann = await hub.join("ann");
  const bob = await hub.join("bob");
  const places: { epoch: number; offset: number }[] = [];
  const session = await SessionClient.open(
    hub.http,
    jsonWire,
    { token: bob.token },
    {
      delivered: (messages) => places.push(...messages),
    },
  );
  const answers = [
    await ann.post("/send", { to: "bob", payload: 1, receipts: false }),
    await ann.post("/send", { to: "bob", payload: 2, receipts: false }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([202, 202]);
  await until("both", () => places.length === 2);
  session.ack(places[1] ?? { epoch: 0, offset: 0 });
  await spanNamed("ack inbox", 2);
  const [first, second] = collector.named("send inbox");
  expect(first?.parentSpanId).toBe("");
  expect(first?.traceId).not.toBe(second?.traceId);
  const { traceparent } = await received(bob, "/messages?cursor=0-0&ack=manual");
  expect(traceparent).toBe(`00-${first?.traceId}-${first?.spanId}-01`);
  const deliveries = new Map(collector.named("deliver inbox").map((span) => [span.traceId, span.spanId]));
  for (const { traceId, links } of collector.named("ack inbox"))
    expect(links).toMatchObject([{ traceId, spanId: deliveries.get(traceId) }]);
  await session.close();
});

it("a sender's place in the trace comes in by gRPC's metadata, and by the message itself", async () => {
  const ann = await hub.join("ann");
  const relay = createClient(RelayService, createGrpcTransport({ baseUrl: `http://${hub.grpc}` }));
  const headers = { authorization: `Bearer ${ann.token}`, traceparent: SAMPLED };
  const payload = Buffer.from("1");
  await relay.send({ to: "ann", payload }, { headers });
  const nearer = `00-${TRACE}-1111111111111111-01`;
  await relay.send({ to: "ann", payload, traceparent: nearer }, { headers });
  await relay.send({ to: "ann", payload, traceparent: "none at all" }, { headers });
  await spanNamed("send inbox", 3);
  const sends = collector.named("send inbox");
  expect(sends.map(({ parentSpanId }) => parentSpanId)).toEqual([PARENT, "1111111111111111", ""]);
  expect(sends.map(({ traceId }) => traceId === TRACE)).toEqual([true, true, false]);
});

it("a channel's message is one send and one append, and a delivery to each member", async () => {
  const ann = await hub.join("ann");
  await hub.join("bob");
  const members = [await hub.join("cy"), await hub.join("dee")];
  await ann.post("/channels", { name: "team", members: ["cy", "dee"] });
  await ann.post("/channels/team/send", { payload: "to all" });
  for (const member of members) await member.get("/messages?wait=20");
  await spanNamed("deliver inbox", 2);
  const send = await spanNamed("send channel");
  const append = await spanNamed("append channel");
  for (const span of [append, ...collector.named("deliver inbox")])
    expect([span.traceId, span.parentSpanId]).toEqual([send.traceId, send.spanId]);
  expect(collector.named("send channel")).toHaveLength(1);
});

it("a refused send is an error with its code; a sender that does not sample is left alone", async () => {
  const ann = await hub.join("ann");
  const bob = await hub.join("bob");
  const unsampled = `00-${TRACE}-${PARENT}-00`;
  const headers = { traceparent: unsampled };
  await ann.call("POST", "/send", { body: { to: "bob", payload: 1, receipts: false }, headers });
  const { cursor, traceparent } = await received(bob);
  expect(String(traceparent)).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  await bob.post("/messages/ack", { cursor });
  expect((await ann.post("/send", { to: "nobody", payload: 1 })).status).toBe(404);
  const failed = await spanNamed("send inbox");
  expect(failed.isError).toBe(true);
  expect(failed.attributes["error.type"]).toBe("not_found");
  expect(await hub.stop()).toBe(0);
  expect(collector.spans.map(({ name }) => name)).toEqual(["send inbox"]);
});
