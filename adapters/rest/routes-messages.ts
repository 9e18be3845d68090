import { z } from "zod";
import {
  type AnswerObject,
  jsonFromMessage,
  type MessageStatus,
  pageShape,
  present,
  type RelayApi,
  timeText,
} from "../../src/adapter-kit.ts";
import { jsonAnswer, noContent, rawAnswer } from "./answers.ts";
import { type Incoming, param } from "./incoming.ts";
import { type Operation, operation } from "./operation.ts";
import {
  cursorParameter,
  limitParameter,
  type QueryValues,
  textParameter,
  waitMsParameter,
  wordParameter,
} from "./query.ts";
import { deadPageShape, historyShape, inJson, statusShape, withoutBody } from "./shapes.ts";

const ackForm = {
  schema: z.strictObject({ cursor: z.string().min(1) }),
  expects: '{"cursor": "<cursor of the last message that you handled>"}',
  example: { cursor: "1-42" },
};
const processedForm = {
  schema: z.strictObject({ ok: z.boolean().default(true), note: z.string().default("") }),
  expects: '{"ok"?: true, "note"?: "…"}',
  example: { ok: true, note: "done" },
  mayBeEmpty: true,
};
const inboxQuery = {
  cursor: textParameter("go on after it, and acknowledge up to it; absent = after what is acknowledged"),
  wait: waitMsParameter("seconds to wait for a message when there is none"),
  limit: limitParameter,
  ack: wordParameter("manual: giving the cursor acknowledges nothing", ["manual", "auto"]),
};
const pageQuery = { limit: limitParameter, cursor: cursorParameter };
const MESSAGE_ID = { id: "the message's id" };

/** The inbox, what became of messages, and conversations. */
export function messageOperations(relay: RelayApi): readonly Operation[] {
  return [...inboxRows(relay), ...stateRows(relay), ...historyRows(relay)];
}

function inboxRows(relay: RelayApi): readonly Operation[] {
  return [
    operation({
      method: "GET",
      path: "/messages",
      id: "receiveMessages",
      group: "Messages",
      summary: "Read your inbox",
      description:
        "Without `cursor`, what is not acknowledged comes again. An empty page repeats the last cursor.",
      query: inboxQuery,
      answers: { 200: inJson("a page, oldest first", pageShape) },
      refusals: ["gap"],
      handle: async ({ call, query }) => {
        const input = present({
          cursor: query.cursor,
          limit: query.limit,
          waitMs: query.wait === 0 ? undefined : query.wait,
          manualAck: query.ack === "manual" ? true : undefined,
        });
        const page = await relay.receive(call, input);
        const messages = page.records.map((record) => jsonFromMessage(record.bytes, record));
        return messagesAnswer(messages, page.cursor);
      },
    }),
    operation({
      method: "POST",
      path: "/messages/ack",
      id: "acknowledge",
      group: "Messages",
      summary: "Say that everything up to a cursor is handled",
      description: "Cumulative; it moves only forward.",
      body: ackForm,
      answers: { 204: withoutBody("it is durable") },
      refusals: ["gap"],
      handle: async ({ call, body }) => {
        await relay.acknowledge(call, body.fields.cursor);
        return noContent();
      },
    }),
  ];
}

function stateRows(relay: RelayApi): readonly Operation[] {
  return [
    operation({
      method: "GET",
      path: "/messages/dead",
      id: "listDeadMessages",
      group: "Messages",
      summary: "Messages of yours that failed or expired",
      query: pageQuery,
      answers: { 200: inJson("a page", deadPageShape) },
      handle: (incoming) => listDead(relay, incoming, incoming.query),
    }),
    operation({
      method: "GET",
      path: "/messages/:id/status",
      id: "getMessageStatus",
      group: "Messages",
      summary: "What became of a message",
      description: "For its sender and its receiver.",
      params: MESSAGE_ID,
      answers: { 200: inJson("the state that is known", statusShape) },
      refusals: ["not_found"],
      handle: async (incoming) => {
        const status = await relay.status(incoming.call, param(incoming, "id"));
        return jsonAnswer(200, jsonFromStatus(status));
      },
    }),
    operation({
      method: "POST",
      path: "/messages/:id/processed",
      id: "markProcessed",
      group: "Messages",
      summary: "Say how handling a message ended",
      params: MESSAGE_ID,
      body: processedForm,
      answers: {
        200: inJson(
          "its sender is told",
          z.object({ message_id: z.uuid(), status: z.enum(["processed", "failed"]) }),
        ),
      },
      refusals: ["not_found"],
      handle: async (incoming) => {
        const { ok, note } = incoming.body.fields;
        const messageId = param(incoming, "id");
        await relay.markProcessed(incoming.call, messageId, { ok, note });
        return jsonAnswer(200, { message_id: messageId, status: ok ? "processed" : "failed" });
      },
    }),
  ];
}

function historyRows(relay: RelayApi): readonly Operation[] {
  return [
    operation({
      method: "GET",
      path: "/history/:peer",
      id: "listHistory",
      group: "Messages",
      summary: "Your conversation with an agent",
      params: { peer: "the other agent; a channel as `%23name`" },
      query: pageQuery,
      answers: { 200: inJson("a page, newest first", historyShape) },
      refusals: ["not_found"],
      handle: (incoming) => history(relay, incoming, param(incoming, "peer"), incoming.query),
    }),
    operation({
      method: "GET",
      path: "/channels/:id/history",
      id: "listChannelHistory",
      group: "Channels",
      summary: "What was said in a channel",
      params: { id: "the channel's name" },
      query: pageQuery,
      answers: { 200: inJson("a page, newest first", historyShape) },
      refusals: ["not_found"],
      handle: (incoming) =>
        history(relay, incoming, `#${param(incoming, "id").replace(/^#/, "")}`, incoming.query),
    }),
  ];
}

type PageQuery = QueryValues<typeof pageQuery>;

async function history(relay: RelayApi, { call }: Incoming, peer: string, query: PageQuery) {
  const page = await relay.history(call, { peer, ...query });
  return messagesAnswer(
    page.envelopes.map((envelope) => jsonFromMessage(envelope)),
    page.cursor,
  );
}

async function listDead(relay: RelayApi, { call }: Incoming, query: PageQuery) {
  const page = await relay.deadMessages(call, query);
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
