import { z } from "zod";
import { jsonFromMessage, type MessageStatus, type RelayApi } from "../../src/adapter-kit.ts";
import { type AnswerObject, jsonAnswer, noContent, rawAnswer, timeText } from "./answers.ts";
import { readBody } from "./body.ts";
import { type Incoming, type Operation, param } from "./inbound.ts";
import { present } from "./present.ts";
import { limitFromQuery, readQuery, waitMsFromQuery, wordFromQuery } from "./query.ts";

const ackForm = {
  schema: z.strictObject({ cursor: z.string().min(1) }),
  expects: '{"cursor": "<cursor of the last message that you handled>"}',
};
const processedForm = {
  schema: z.strictObject({ ok: z.boolean().default(true), note: z.string().default("") }),
  expects: '{"ok"?: true, "note"?: "…"}',
  mayBeEmpty: true,
};

/** The inbox, what became of messages, and conversations. */
export function messageOperations(relay: RelayApi): readonly Operation[] {
  return [
    { method: "GET", path: "/messages", handle: (incoming) => receive(relay, incoming) },
    { method: "GET", path: "/messages/dead", handle: (incoming) => listDead(relay, incoming) },
    {
      method: "POST",
      path: "/messages/ack",
      handle: async ({ call, request }) => {
        const { fields } = await readBody(request, ackForm);
        await relay.acknowledge(call, fields.cursor);
        return noContent();
      },
    },
    {
      method: "GET",
      path: "/messages/:id/status",
      handle: async (incoming) => {
        const status = await relay.status(incoming.call, param(incoming, "id"));
        return jsonAnswer(200, jsonFromStatus(status));
      },
    },
    {
      method: "POST",
      path: "/messages/:id/processed",
      handle: async (incoming) => {
        const { fields } = await readBody(incoming.request, processedForm);
        const messageId = param(incoming, "id");
        await relay.markProcessed(incoming.call, messageId, { ok: fields.ok, note: fields.note });
        return jsonAnswer(200, { message_id: messageId, status: fields.ok ? "processed" : "failed" });
      },
    },
    {
      method: "GET",
      path: "/history/:peer",
      handle: (incoming) => history(relay, incoming, param(incoming, "peer")),
    },
    {
      method: "GET",
      path: "/channels/:id/history",
      handle: (incoming) => history(relay, incoming, `#${param(incoming, "id").replace(/^#/, "")}`),
    },
  ];
}

async function receive(relay: RelayApi, { call, request }: Incoming) {
  const query = readQuery(request, ["cursor", "wait", "limit", "ack"]);
  const waitMs = waitMsFromQuery(query);
  const input = present({
    cursor: query.get("cursor"),
    limit: limitFromQuery(query),
    waitMs: waitMs === 0 ? undefined : waitMs,
    manualAck: wordFromQuery(query, "ack", ["manual", "auto"]) === "manual" ? true : undefined,
  });
  const page = await relay.receive(call, input);
  const messages = page.records.map((record) => jsonFromMessage(record.bytes, record));
  return messagesAnswer(messages, page.cursor);
}

async function history(relay: RelayApi, { call, request }: Incoming, peer: string) {
  const query = readQuery(request, ["limit", "cursor"]);
  const input = { peer, ...present({ limit: limitFromQuery(query), cursor: query.get("cursor") }) };
  const page = await relay.history(call, input);
  return messagesAnswer(
    page.envelopes.map((envelope) => jsonFromMessage(envelope)),
    page.cursor,
  );
}

async function listDead(relay: RelayApi, { call, request }: Incoming) {
  const query = readQuery(request, ["limit", "cursor"]);
  const input = present({ limit: limitFromQuery(query), cursor: query.get("cursor") });
  const page = await relay.deadMessages(call, input);
  const messages = page.messages.map((dead) => ({
    message_id: dead.messageId,
    to: dead.to,
    status: dead.state,
    reason: dead.reason,
    at: timeText(dead.atUnixMs),
  }));
  return jsonAnswer(200, { messages, cursor: page.cursor });
}

function messagesAnswer(messages: readonly string[], cursor: string | undefined) {
  const tail = cursor === undefined ? "" : `,"cursor":${JSON.stringify(cursor)}`;
  return rawAnswer(200, `{"messages":[${messages.join(",")}]${tail}}`);
}

function jsonFromStatus(status: MessageStatus): AnswerObject {
  return {
    message_id: status.messageId,
    status: status.state,
    at: timeText(status.atUnixMs),
    to: status.to,
    created_at: timeText(status.createdUnixMs),
    note: status.note === "" ? undefined : status.note,
  };
}
