/**
 * All that an adapter may import. An adapter translates a foreign protocol to HubApi calls, and answers,
 * errors included, in that protocol's own words.
 */
import type { z } from "zod";
import type { HubApi } from "./api/hub-api.ts";
import type { HubKeys } from "./ports/hub-keys.ts";
import type { Route } from "./ports/listener.ts";
import type { Logger } from "./ports/logger.ts";
import type { RpcService } from "./ports/rpc.ts";

export { callFromRequest, callFromTicket, openCallFromRequest } from "./api/caller.ts";
export type * from "./api/channel-api.ts";
export {
  EVENT_STREAM_HEADERS,
  eventStream,
  eventText,
  HEARTBEAT_MS,
  type SentEvent,
} from "./api/event-stream.ts";
export type * from "./api/hub-api.ts";
export { type AnswerObject, type AnswerValue, acceptedMembers, timeText } from "./api/json/answer.ts";
export { jsonFromChannel } from "./api/json/channel.ts";
export { errorJson } from "./api/json/error.ts";
export { createSchemaBook, type JsonSchema, type SchemaBook } from "./api/json/json-schema.ts";
export { errorFromIssues } from "./api/json/problems.ts";
export { jsonFromAgent, PROFILE_EXPECTS, profileSchema } from "./api/json/profile.ts";
export {
  acceptedShape,
  agentShape,
  channelShape,
  cursor,
  messageShape,
  named,
  pageShape,
  repliedShape,
  time,
} from "./api/json/shapes.ts";
export { suggestion } from "./api/json/suggestion.ts";
export { messageFromSaid, type Said, saidForm } from "./api/json/task-input.ts";
export { stateShape, taskPageShape, taskShape } from "./api/json/task-shapes.ts";
export { type TurnBody, turnFromBody } from "./api/json/task-turn.ts";
export { type LiveInbox, openLiveInbox } from "./api/live-inbox.ts";
export { loggedMeshError } from "./api/logged-error.ts";
export type * from "./api/operator-api.ts";
export type * from "./api/overview-api.ts";
export type * from "./api/push-api.ts";
export type * from "./api/reach-api.ts";
export type * from "./api/registry-api.ts";
export type * from "./api/relay-api.ts";
export type * from "./api/task-api.ts";
export { bareAgentId, bareChannelId } from "./model/address.ts";
export type * from "./model/agent.ts";
export { closestName } from "./model/closest-name.ts";
export type { Envelope, Header, Kind, Priority } from "./model/envelope.ts";
export { KINDS, PRIORITIES } from "./model/envelope.ts";
export { decodeEnvelope } from "./model/envelope-codec.ts";
export {
  ERROR_CODES,
  type ErrorCode,
  MeshError,
  meshErrorFromUnknown,
  type RpcWords,
  retryAfterFromError,
} from "./model/errors.ts";
export type * from "./model/json.ts";
export { readJsonMembers } from "./model/json-members.ts";
export { createLru, type Lru } from "./model/lru.ts";
export { isJsonText, jsonFromMessage, type MessageJson } from "./model/message-json.ts";
export { cursorFromPosition, positionFromCursor } from "./model/position.ts";
export { type Present, present } from "./model/present.ts";
export { ANONYMOUS, type Call, type Principal } from "./model/principal.ts";
export { GUEST, isInterrupted, isTerminal, TASK_STATES, type TaskStateName } from "./model/task.ts";
export { jsonFromTask, jsonFromTaskEvent, type TaskJson } from "./model/task-json.ts";
export { DeliveryFailure, failureFromStatus, failureFromUnknown } from "./outbound/delivery-failure.ts";
export { type PushProblem, problemOfPush } from "./outbound/push/new-push.ts";
export { pause } from "./outbound/retry.ts";
export type { HubKeys } from "./ports/hub-keys.ts";
export type { HttpRequest, HttpResponse, Route, StreamedResponse, WholeResponse } from "./ports/listener.ts";
export type { Logger } from "./ports/logger.ts";
export type * from "./ports/outbound-http.ts";
export type { RpcContext, RpcMethod, RpcService } from "./ports/rpc.ts";

/** What the hub gives an adapter. */
export interface AdapterContext<Config> {
  readonly api: HubApi;
  readonly logger: Logger;
  readonly config: Config;
  /** The hub's own URL as clients see it, without a slash at the end. */
  readonly publicUrl: () => string;
  /** The gRPC port as clients see it, host:port; undefined when nobody told how they reach it. */
  readonly publicGrpc: () => string | undefined;
  readonly keys: HubKeys;
  readonly hubId: string;
  /** Of the hub's software. */
  readonly version: string;
}

/** What an adapter serves. */
export interface AdapterMount {
  readonly routes: readonly Route[];
  /** On the gRPC port, listed by its reflection. What their methods throw may bring its own words (`RpcWords`). */
  readonly services?: readonly RpcService[];
}

/** An adapter describes itself: adding one is its folder plus one line in the table of `hub.ts`. */
export interface Adapter<Schema extends z.ZodType = z.ZodType> {
  /** Equal to its folder's name and to its key in the configuration. */
  readonly name: string;
  readonly config: Schema;
  mount(context: AdapterContext<z.infer<Schema>>): AdapterMount;
}

export function defineAdapter<Schema extends z.ZodType>(adapter: Adapter<Schema>): Adapter<Schema> {
  return adapter;
}
