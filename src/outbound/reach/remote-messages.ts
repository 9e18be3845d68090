import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Ladder } from "../../core/ladder.ts";
import type { SendInput } from "../../core/messages.ts";
import type { Relay } from "../../core/relay.ts";
import { applyEvent, emptyTask } from "../../core/tasks/fold.ts";
import {
  type Part,
  PartSchema,
  type Task,
  TaskEventSchema,
  TaskMessageSchema,
  TaskRole,
  TaskState,
} from "../../gen/meshkore/v1/tasks_pb.js";
import { EMPTY_HEADER, type Envelope, type Header } from "../../model/envelope.ts";
import { decodeEnvelope } from "../../model/envelope-codec.ts";
import { MeshError } from "../../model/errors.ts";
import { isTerminal, partsOf, stateOf } from "../../model/task.ts";
import type { LogRecord } from "../../ports/message-log.ts";
import { DeliveryFailure } from "../delivery-failure.ts";
import type { RemoteAgent, RemoteNews } from "./dialect.ts";

const JSON_TYPE = "application/json";

export interface RemoteMessagesDeps {
  readonly agentId: string;
  readonly relay: Relay;
  readonly ladder: Ladder;
  readonly remote: () => RemoteAgent;
}

type Reply = Pick<SendInput, "payload" | "contentType">;

/** Plain messages to a foreign agent: each is a turn there, and what comes of it is the reply. */
export class RemoteMessages {
  readonly #deps: RemoteMessagesDeps;
  /** Answers that could not be sent on yet: the agent is not asked again for them. */
  readonly #replies = new Map<string, Reply | undefined>();

  constructor(deps: RemoteMessagesDeps) {
    this.#deps = deps;
  }

  async deliver(record: LogRecord, signal: AbortSignal): Promise<void> {
    const envelope = decodeEnvelope(record.bytes);
    const { header } = envelope;
    const { relay, agentId } = this.#deps;
    if (!this.#replies.has(header.id)) this.#replies.set(header.id, await this.#ask(envelope, signal));
    const reply = this.#replies.get(header.id);
    if (reply !== undefined) {
      const to = header.to.startsWith("#") ? header.to : header.from;
      const place = { to, replyTo: header.id, contextId: header.contextId, dedupeKey: `reply:${header.id}` };
      await relay.send(agentId, { ...reply, ...place });
    }
    await this.#processed(header, { ok: true, note: "" });
    this.#replies.delete(header.id);
  }

  async giveUp(record: LogRecord, failure: DeliveryFailure): Promise<void> {
    const { header } = decodeEnvelope(record.bytes);
    this.#replies.delete(header.id);
    await this.#processed(header, { ok: false, note: failure.message.slice(0, 1000) });
  }

  /** Undefined = there is nothing to say. */
  async #ask(envelope: Envelope, signal: AbortSignal): Promise<Reply | undefined> {
    const agent = this.#deps.remote();
    const turn = { message: messageFromEnvelope(envelope), acceptedOutputModes: [], metadata: undefined };
    const task = emptyTask({ ...NOWHERE, contextId: envelope.header.contextId });
    let remoteTaskId = "";
    for await (const news of agent.send(turn, signal)) {
      if (news.kind === "message") return replyFromParts(news.message.parts);
      remoteTaskId = news.place.taskId;
      if (isAnswered(task, news)) return replyFromTask(task);
    }
    if (remoteTaskId === "") throw new DeliveryFailure("it answered nothing", { isAnswer: true });
    // The stream broke off, or there was none.
    return await this.#await(task, agent.follow(remoteTaskId, signal));
  }

  async #await(task: Task, news: AsyncIterable<RemoteNews>): Promise<Reply | undefined> {
    for await (const item of news) if (isAnswered(task, item)) return replyFromTask(task);
    throw new DeliveryFailure("it broke off", { isAnswer: true });
  }

  /** Channels' messages have no end of their own for each member. */
  async #processed({ id }: Header, result: { ok: boolean; note: string }): Promise<void> {
    try {
      await this.#deps.ladder.markProcessed(this.#deps.agentId, id, result);
    } catch (thrown) {
      const code = thrown instanceof MeshError ? thrown.code : undefined;
      if (code !== "not_found" && code !== "already_exists") throw thrown;
    }
  }
}

const NOWHERE = { taskId: "", caller: "", worker: "", createdUnixMs: 0 };

/** Brings the task on; true when it has ended or waits for the sender. */
function isAnswered(task: Task, news: RemoteNews): boolean {
  const event = create(TaskEventSchema);
  if (news.kind === "task") Object.assign(task, news.task);
  else if (news.kind === "status") event.status = news.status;
  else if (news.kind === "artifact") event.artifact = news.update;
  if (news.kind !== "task") applyEvent(task, { event, header: EMPTY_HEADER, sequence: 0 });
  return isTerminal(stateOf(task)) || stateOf(task) === TaskState.INPUT_REQUIRED;
}

/** What it made, or what it said last. @throws DeliveryFailure when it failed */
function replyFromTask(task: Task): Reply | undefined {
  const said = partsOf(task.status?.message);
  if (stateOf(task) === TaskState.FAILED || stateOf(task) === TaskState.REJECTED) {
    const why = said.map(({ content }) => (content.case === "text" ? content.value : "")).join(" ");
    throw new DeliveryFailure(`it failed: ${why || "it does not say why"}`, {
      isFinal: true,
      isAnswer: true,
    });
  }
  const made = task.artifacts.flatMap(({ parts }) => parts);
  return replyFromParts(made.length > 0 && stateOf(task) !== TaskState.INPUT_REQUIRED ? made : said);
}

/** One text is the text, one value its JSON; anything else is all parts as they stand. */
function replyFromParts(parts: readonly Part[]): Reply | undefined {
  const [only, ...others] = parts;
  if (only === undefined) return undefined;
  if (others.length === 0 && only.content.case === "text") return jsonReply(only.content.value);
  if (others.length === 0 && only.content.case === "data")
    return jsonReply(toJson(ValueSchema, only.content.value));
  return jsonReply({ parts: parts.map((part) => toJson(PartSchema, part)) });
}

function jsonReply(value: JsonValue): Reply {
  return { payload: Buffer.from(JSON.stringify(value)), contentType: JSON_TYPE };
}

function messageFromEnvelope({ header, payload }: Envelope) {
  if (header.sealed) {
    throw new DeliveryFailure("a sealed message cannot be read by an agent of another protocol", {
      isFinal: true,
    });
  }
  const { id, contextId, contentType } = header;
  return create(TaskMessageSchema, {
    ...{ messageId: id, contextId, role: TaskRole.USER },
    parts: [create(PartSchema, { content: contentOf(payload, contentType), ...mediaType(contentType) })],
  });
}

function mediaType(contentType: string): { mediaType?: string } {
  return contentType === JSON_TYPE ? {} : { mediaType: contentType };
}

function contentOf(payload: Uint8Array, contentType: string): Part["content"] {
  if (contentType === JSON_TYPE) {
    const value: JsonValue = JSON.parse(Buffer.from(payload).toString("utf8"));
    if (typeof value === "string") return { case: "text", value };
    return { case: "data", value: fromJson(ValueSchema, value) };
  }
  if (contentType.startsWith("text/")) return { case: "text", value: Buffer.from(payload).toString("utf8") };
  return { case: "raw", value: payload };
}
