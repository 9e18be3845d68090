import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFakeHub, type FakeHub, MESSAGE_ID, NOW, recordOf } from "./fake-hub.ts";

interface SeenSend {
  readonly to: string;
  readonly payload: Uint8Array;
  readonly contentType: string;
}

function sendOf(hub: FakeHub): SeenSend & Readonly<Record<string, unknown>> {
  const input = hub.last()?.args[0];
  if (typeof input !== "object" || input === null) throw new Error("nothing was sent");
  return input as SeenSend & Readonly<Record<string, unknown>>;
}

const bytesOf = (text: string): Buffer => Buffer.from(text, "utf8");

describe("sending", () => {
  test.each([
    "0",
    "null",
    '"x"',
    "false",
    "[]",
    "{}",
    "-0",
    "1e400",
    "123456789012345678901234567890",
    '{"b":1, "a":2,"b":3}',
    '{"__proto__":{"x":1}}',
    '"\\ud800"',
  ])("the payload %s is stored as the bytes that were sent", async (payload) => {
    const hub = createFakeHub();
    const answer = await hub.ask("POST", "/send", { rawBody: `{ "to" : "bob" , "payload" : ${payload} }` });
    expect(answer.status).toBe(202);
    expect(Buffer.from(sendOf(hub).payload).toString("utf8")).toBe(payload);
    expect(sendOf(hub)).toMatchObject({ to: "bob", contentType: "application/json" });
  });

  test("any JSON value goes in and comes out byte for byte", async () => {
    const spacing = fc.constantFrom("", " ", "\n\t", "  ");
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue({ noUnicodeString: false }),
        spacing,
        fc.boolean(),
        async (value, space, first) => {
          const payload = JSON.stringify(value, undefined, space === "" ? undefined : 2);
          const member = `"payload"${space}:${space}${payload}`;
          const members = first ? `${member},${space}"to":"bob"` : `"to":"bob"${space},${member}`;
          const sender = createFakeHub();
          const accepted = await sender.ask("POST", "/send", { rawBody: `{${space}${members}${space}}` });
          expect(accepted.status).toBe(202);
          const stored = sendOf(sender);
          expect(Buffer.from(stored.payload).toString("utf8")).toBe(payload);
          const reader = createFakeHub({
            receive: () => ({ records: [recordOf(1, stored.payload)], cursor: "1-1" }),
          });
          const received = await reader.ask("GET", "/messages");
          expect(received.text).toContain(`"payload":${payload},"cursor":"1-1"}`);
          expect(received.json).toHaveProperty("messages.0.payload", JSON.parse(payload));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("all fields", async () => {
    const hub = createFakeHub();
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await hub.ask("POST", "/send", {
      headers: { traceparent },
      rawBody: `{"to":"#team","payload":1,"content_type":"Application/LD+json; charset=UTF-8","reply_to":"r","dedupe_key":"d",
        "ttl_s":1.5,"priority":"high","context_id":"c","task_id":"t","sealed":true,"receipts":false,
        "annotations":{"a":"1","__proto__":"2"}}`,
    });
    const { annotations, payload, ...rest } = sendOf(hub);
    expect(rest).toEqual({
      to: "#team",
      contentType: "application/ld+json",
      replyTo: "r",
      dedupeKey: "d",
      ttlMs: 1500,
      priority: "high",
      contextId: "c",
      taskId: "t",
      sealed: true,
      noReceipts: true,
      traceparent,
    });
    expect(Object.entries(Object(annotations))).toEqual([
      ["a", "1"],
      ["__proto__", "2"],
    ]);
    expect(Buffer.from(payload).toString()).toBe("1");
  });

  test("what is not given is absent, not undefined", async () => {
    const hub = createFakeHub();
    await hub.ask("POST", "/send", {
      body: { to: "b", payload: 1, receipts: true },
      headers: { traceparent: "junk" },
    });
    expect(Object.keys(sendOf(hub)).sort()).toEqual(["contentType", "payload", "to"]);
  });

  test.each([
    ['"payload_base64":"AP8="', "application/octet-stream", [0, 255]],
    ['"payload_base64":""', "application/octet-stream", []],
    ['"payload_base64":"AP8=","content_type":"image/png"', "image/png", [0, 255]],
    ['"payload_base64":"WzFd","content_type":"application/json"', "application/json", [...bytesOf("[1]")]],
    ['"payload_base64":"AP8=","content_type":"application/json","sealed":true', "application/json", [0, 255]],
    ['"payload":"héllo","content_type":"text/plain;charset=utf-8"', "text/plain", [...bytesOf("héllo")]],
    ['"payload":"x","content_type":"text/X; boundary=AbC"', "text/x; boundary=AbC", [...bytesOf("x")]],
  ])("%s", async (members, contentType, bytes) => {
    const hub = createFakeHub();
    const answer = await hub.ask("POST", "/send", { rawBody: `{"to":"b",${members}}` });
    expect(answer.status).toBe(202);
    expect(sendOf(hub).contentType).toBe(contentType);
    expect([...sendOf(hub).payload]).toEqual(bytes);
  });

  test("of a repeated member the last one counts, as JSON readers do", async () => {
    const hub = createFakeHub();
    await hub.ask("POST", "/send", { rawBody: '{"to":"b","payload":1,"payload":2}' });
    expect(Buffer.from(sendOf(hub).payload).toString()).toBe("2");
  });

  test("a repeat says so", async () => {
    const send = () => ({ epoch: 2, offset: 3, messageId: "m", duplicate: true });
    const answer = await createFakeHub({ send }).ask("POST", "/send", { body: { to: "b", payload: 1 } });
    expect(answer.json).toEqual({ message_id: "m", status: "accepted", position: "2-3", duplicate: true });
  });

  test("a channel is addressed by its path", async () => {
    const hub = createFakeHub();
    const answer = await hub.ask("POST", "/channels/%23team/send", { body: { payload: null } });
    expect(answer.status).toBe(202);
    expect(sendOf(hub).to).toBe("#team");
  });
});

describe("waiting for the reply", () => {
  test("200 with the reply, raw", async () => {
    const sent = { epoch: 1, offset: 1, messageId: MESSAGE_ID, duplicate: false };
    const reply = recordOf(9, '{"n": 1.0}', { replyTo: MESSAGE_ID });
    const hub = createFakeHub({ request: () => ({ sent, reply }) });
    const answer = await hub.ask("POST", "/send?wait=20", { body: { to: "bob", payload: 1 } });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ message_id: MESSAGE_ID, status: "accepted", position: "1-1" });
    expect(answer.json).toMatchObject({ reply: { from: "bob", reply_to: MESSAGE_ID, cursor: "1-9" } });
    expect(answer.text).toContain('"payload":{"n": 1.0}');
    expect(hub.last()?.args[1]).toBe(20_000);
  });

  test("202 without one", async () => {
    const answer = await createFakeHub().ask("POST", "/send?wait=0.5", { body: { to: "bob", payload: 1 } });
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({
      message_id: MESSAGE_ID,
      status: "accepted",
      position: "1-42",
      reply: null,
    });
  });

  test("wait=0 does not wait", async () => {
    const hub = createFakeHub();
    await hub.ask("POST", "/send?wait=0", { body: { to: "bob", payload: 1 } });
    expect(hub.last()?.method).toBe("send");
  });
});

describe("reading", () => {
  test("messages stand as they were sent, each with its cursor", async () => {
    const records = [
      recordOf(8, "0", { to: "#team", replyTo: "r", priority: "high" }),
      recordOf(9, "hé", { contentType: "text/plain", kind: "RECEIPT" }),
      recordOf(10, new Uint8Array([0, 255]), { contentType: "image/png" }),
    ];
    const answer = await createFakeHub({ receive: () => ({ records, cursor: "1-10" }) }).ask(
      "GET",
      "/messages",
    );
    expect(answer.json).toHaveProperty("cursor", "1-10");
    expect(Object(answer.json).messages).toEqual([
      {
        id: MESSAGE_ID,
        kind: "MESSAGE",
        from: "bob",
        to: "#team",
        channel: "team",
        reply_to: "r",
        content_type: "application/json",
        created_at: NOW,
        priority: "high",
        payload: 0,
        cursor: "1-8",
      },
      expect.objectContaining({ kind: "RECEIPT", payload: "hé", cursor: "1-9" }),
      expect.objectContaining({ payload_base64: "AP8=", cursor: "1-10" }),
    ]);
  });

  test("history has no cursors of messages, and one of the page when there is more", async () => {
    const envelopes = [recordOf(1, '"a"').bytes];
    const answer = await createFakeHub({ history: () => ({ envelopes, cursor: 'c"1' }) }).ask(
      "GET",
      "/history/bob",
    );
    expect(answer.json).toHaveProperty("cursor", 'c"1');
    expect(answer.json).not.toHaveProperty("messages.0.cursor");
    expect(answer.json).toHaveProperty("messages.0.payload", "a");
  });

  test("dead messages say why", async () => {
    const dead = { messageId: "m", to: "bob", state: "expired", reason: "ttl", atUnixMs: 0 };
    const hub = createFakeHub({ deadMessages: () => ({ messages: [dead], cursor: "m" }) });
    const answer = await hub.ask("GET", "/messages/dead");
    expect(answer.json).toEqual({
      messages: [
        { message_id: "m", to: "bob", status: "expired", reason: "ttl", at: "1970-01-01T00:00:00.000Z" },
      ],
      cursor: "m",
    });
  });

  test("a wait gets the signal of its request", async () => {
    const caller = new AbortController();
    let seen: unknown;
    const receive = (call: unknown) => {
      seen = Reflect.get(Object(call), "signal");
      return { records: [], cursor: "1-0" };
    };
    await createFakeHub({ receive }).ask("GET", "/messages?wait=60", { signal: caller.signal });
    expect(seen).toBe(caller.signal);
  });
});
