import {
  DeliveryFailure,
  failureFromUnknown,
  type JsonObject,
  pause,
  type ReachHttp,
  type RemoteAgent,
  type RemoteNews,
  type RemoteTurn,
} from "../../../src/adapter-kit.ts";
import { MessageSchema } from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import { jsonFromMessage } from "../json.ts";
import { a2aMessageFromMessage } from "../messages.ts";
import { createHttpJsonWire } from "./http-json-wire.ts";
import { createJsonRpcWire } from "./json-rpc-wire.ts";
import { isLast, isOver, newsFromAnswer, newsFromStreamed, newsFromTask } from "./news.ts";
import type { RemoteInterface } from "./remote-card.ts";
import {
  isPassing,
  RemoteRefusal,
  TASK_NOT_CANCELABLE,
  TASK_NOT_FOUND,
  UNSUPPORTED_OPERATION,
  type Wire,
} from "./wire.ts";

const FIRST_POLL_MS = 500;
const MOST_POLL_MS = 10_000;

/** An agent of A2A, as the hub's machinery calls it. */
export function createRemoteAgent(place: RemoteInterface, http: ReachHttp): RemoteAgent {
  const wire = place.binding === "JSONRPC" ? createJsonRpcWire(place, http) : createHttpJsonWire(place, http);
  const takeStream = (): (() => void) | undefined =>
    place.isStreaming ? http.takeStream(place.url) : undefined;
  return {
    send: (turn, signal) =>
      told(
        orAsked(takeStream, (isStreaming) =>
          isStreaming ? sendStreaming(wire, turn, signal) : sendOnce(wire, turn, signal),
        ),
      ),
    follow: (taskId, signal) =>
      told(orAsked(takeStream, (isStreaming) => follow(wire, taskId, { isStreaming, signal }))),
    async cancel(taskId, signal) {
      try {
        await wire.cancel(taskId, signal);
      } catch (thrown) {
        const isOver =
          thrown instanceof RemoteRefusal &&
          (thrown.code === TASK_NOT_CANCELABLE || thrown.code === TASK_NOT_FOUND);
        if (!isOver) throw failureFrom(thrown);
      }
    },
  };
}

/** By a stream, if there is a place for one; else by asking again and again. */
async function* orAsked(
  takeStream: () => (() => void) | undefined,
  listen: (isStreaming: boolean) => AsyncIterable<RemoteNews>,
): AsyncGenerator<RemoteNews, void> {
  const leave = takeStream();
  try {
    yield* listen(leave !== undefined);
  } finally {
    leave?.();
  }
}

async function* sendStreaming(
  wire: Wire,
  turn: RemoteTurn,
  signal: AbortSignal,
): AsyncGenerator<RemoteNews, void> {
  for await (const json of wire.sendStreaming(requestFrom(turn, false), signal)) yield newsFromStreamed(json);
}

async function* sendOnce(
  wire: Wire,
  turn: RemoteTurn,
  signal: AbortSignal,
): AsyncGenerator<RemoteNews, void> {
  const json = await wire.send(requestFrom(turn, true), signal);
  const news = newsFromAnswer(json);
  yield news;
  if (news.kind !== "task" || isOver(news)) return;
  // A task that waits was perhaps not looked at yet since the turn: whoever listens knows, and stops here if it was.
  yield* poll(wire, news.place.taskId, { signal, known: JSON.stringify(json["task"]) });
}

interface FollowOptions {
  readonly isStreaming: boolean;
  readonly signal: AbortSignal;
}

async function* follow(
  wire: Wire,
  taskId: string,
  { isStreaming, signal }: FollowOptions,
): AsyncGenerator<RemoteNews, void> {
  const now = newsFromTask(await wire.get(taskId, signal));
  yield now;
  if (isLast(now)) return;
  if (!isStreaming) {
    yield* poll(wire, taskId, { signal, known: "" });
    return;
  }
  try {
    for await (const json of wire.subscribe(taskId, signal)) yield newsFromStreamed(json);
  } catch (thrown) {
    // It ended between the two calls, or the agent streams answers but no tasks.
    if (!(thrown instanceof RemoteRefusal) || thrown.code !== UNSUPPORTED_OPERATION) throw thrown;
  }
  // What happened before the stream began is in it only with 1.0: the task as it is has all of it.
  yield newsFromTask(await wire.get(taskId, signal));
}

interface PollOptions {
  readonly signal: AbortSignal;
  /** The task as it was told already. */
  readonly known: string;
}

async function* poll(
  wire: Wire,
  taskId: string,
  { signal, known }: PollOptions,
): AsyncGenerator<RemoteNews, void> {
  let waitMs = FIRST_POLL_MS;
  let before = known;
  while (!signal.aborted) {
    await pause(waitMs, signal);
    const json = await wire.get(taskId, signal);
    const text = JSON.stringify(json);
    waitMs = text === before ? Math.min(MOST_POLL_MS, waitMs * 1.5) : FIRST_POLL_MS;
    const news = newsFromTask(json);
    if (text === before) continue;
    before = text;
    yield news;
    if (isLast(news)) return;
  }
}

/** What the agent refused is final, but for what may pass. */
async function* told(news: AsyncIterable<RemoteNews>): AsyncGenerator<RemoteNews, void> {
  try {
    yield* news;
  } catch (thrown) {
    throw failureFrom(thrown);
  }
}

function failureFrom(thrown: unknown): DeliveryFailure {
  if (!(thrown instanceof RemoteRefusal)) return failureFromUnknown(thrown);
  const { code, message } = thrown;
  return new DeliveryFailure(`it refused: ${message} (${code})`, {
    isFinal: !isPassing(code),
    isAnswer: true,
  });
}

function requestFrom(
  { message, acceptedOutputModes, metadata }: RemoteTurn,
  returnImmediately: boolean,
): JsonObject {
  const configuration = {
    ...(acceptedOutputModes.length > 0 && { acceptedOutputModes }),
    ...(returnImmediately && { returnImmediately }),
  };
  return {
    message: jsonFromMessage(MessageSchema, a2aMessageFromMessage(message)),
    ...(Object.keys(configuration).length > 0 && { configuration }),
    ...(metadata !== undefined && { metadata: jsonMetadata(metadata) }),
  };
}

/** It came from JSON. */
function jsonMetadata(metadata: NonNullable<RemoteTurn["metadata"]>): JsonObject {
  return metadata as JsonObject;
}
