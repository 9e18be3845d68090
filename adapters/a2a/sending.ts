import { create } from "@bufbuild/protobuf";
import { isInterrupted, isTerminal, MeshError, present, type Task } from "../../src/adapter-kit.ts";
import {
  type Message as A2aMessage,
  type Task as A2aTask,
  type SendMessageRequest,
  type SendMessageResponse,
  SendMessageResponseSchema,
  type StreamResponse,
  StreamResponseSchema,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError, invalidParams } from "./a2a-error.ts";
import { type Asked, agentOf, HUB } from "./asked.ts";
import { checkedMessage } from "./checks.ts";
import { a2aErrorFromMesh } from "./errors.ts";
import { a2aTaskFromTask, messageFromA2aMessage } from "./messages.ts";
import type { Operations } from "./operations.ts";
import type { InlinePush } from "./push-configs.ts";
import { receiptedTask, receiptFor } from "./receipts.ts";
import { isOpenTo, type TaskAccess, taskFor } from "./task-access.ts";
import { followTask, type ItemStream, itemsFromTask } from "./task-stream.ts";

export interface SendingDeps extends TaskAccess {
  readonly maxWaitMs: number;
  /** The hub's own answer to a message. */
  readonly hubAnswer: (asked: Asked, message: A2aMessage) => Promise<A2aMessage>;
  /** @throws A2aError CONTENT_TYPE_NOT_SUPPORTED when the agent says that it does not take or give such */
  readonly checkTypes: (asked: Asked, agent: string, request: SendMessageRequest) => Promise<void>;
  /** The push notification config of the request; undefined = it has none. @throws A2aError INVALID_PARAMS */
  readonly pushFor: (asked: Asked, request: SendMessageRequest) => InlinePush | undefined;
}

/** SendMessage and SendStreamingMessage. */
export function createSending(deps: SendingDeps): Pick<Operations, "sendMessage" | "sendStreamingMessage"> {
  return {
    async sendMessage(asked, request) {
      const sent = await send(deps, asked, request);
      if (sent.answer !== undefined) return messageResponse(sent.answer);
      const { configuration } = request;
      const task =
        configuration?.returnImmediately === true ? sent.task : await settled(deps, asked, sent.task);
      const shown = a2aTaskFromTask(task, configuration?.historyLength);
      return taskResponse(await receiptedTask(deps.tasks, asked, shown));
    },
    async sendStreamingMessage(asked, request) {
      const sent = await send(deps, asked, request);
      if (sent.answer !== undefined) return once(sent.answer);
      // From what the message made of the task: however fast the worker is, nothing that it does is left out.
      const { task } = sent;
      const sequence = Number(task.sequence);
      const receipt = await receiptFor(deps.tasks, asked, task.id);
      const subscription = await followTask(deps.tasks, { ...asked, after: sequence }, task.id);
      return itemsFromTask(subscription, {
        ...{ taskId: task.id, contextId: task.contextId },
        first: { task, sequence, receipt },
        historyLength: request.configuration?.historyLength,
        endsWhenWaiting: true,
        extensions: asked.extensions,
      });
    },
  };
}

type Sent =
  | { readonly answer: A2aMessage; readonly task?: undefined }
  | { readonly answer?: undefined; readonly task: Task };

async function send(deps: SendingDeps, asked: Asked, request: SendMessageRequest): Promise<Sent> {
  const agent = agentOf(asked, request.tenant);
  const message = checkedMessage(request);
  if (agent === HUB) {
    if (message.taskId !== "") await taskFor(deps, asked, { tenant: "", id: message.taskId });
    return { answer: await deps.hubAnswer(asked, message) };
  }
  const push = deps.pushFor(asked, request);
  await deps.checkTypes(asked, agent, request);
  const task =
    message.taskId === ""
      ? await begin(deps, asked, { agent, message, request, push })
      : await goOn(deps, asked, { tenant: request.tenant, message, push });
  await push?.keep(task);
  return { task };
}

interface Beginning {
  readonly agent: string;
  readonly message: A2aMessage;
  readonly request: SendMessageRequest;
  readonly push: InlinePush | undefined;
}

async function begin(
  deps: SendingDeps,
  asked: Asked,
  { agent, message, request, push }: Beginning,
): Promise<Task> {
  const { tasks } = deps;
  const { call } = asked;
  const { metadata, configuration } = request;
  const { traceparent } = call;
  // Who is not let in has no name looked up: it is refused below.
  const mayCall = call.principal.kind !== "anonymous" || (await isOpenTo(deps, asked, agent));
  if (mayCall) await push?.check();
  try {
    const { task } = await tasks.create(call, {
      to: agent,
      message: messageFromA2aMessage(message),
      ...(metadata !== undefined && { metadata }),
      acceptedOutputModes: configuration?.acceptedOutputModes ?? [],
      noInbox: true,
      ...(traceparent !== undefined && { traceparent }),
    });
    return task;
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "not_found") {
      throw a2aErrorFromMesh(thrown, "AGENT_NOT_FOUND");
    }
    throw idErrorFromThrown(thrown);
  }
}

/** An id that was given to another message is the caller's to set right; anything else stays what it is. */
function idErrorFromThrown(thrown: unknown): unknown {
  if (!(thrown instanceof MeshError) || thrown.code !== "already_exists") return thrown;
  const violation = { field: "message.messageId", description: "was given to another message" };
  return new A2aError("INVALID_PARAMS", `${violation.field} ${violation.description}`, {
    violations: [violation],
    metadata: present({ hint: thrown.hint }),
    cause: thrown,
  });
}

interface Turn extends Pick<Beginning, "message" | "push"> {
  readonly tenant: string;
}

async function goOn(deps: SendingDeps, asked: Asked, { tenant, message, push }: Turn): Promise<Task> {
  const { taskId, contextId } = message;
  const task = await taskFor(deps, asked, { tenant, id: taskId, field: "message.taskId", historyLength: 0 });
  if (contextId !== "" && contextId !== task.contextId) {
    throw invalidParams({ field: "message.contextId", description: "is not the task's" });
  }
  await push?.check();
  try {
    return await deps.tasks.say(asked.call, taskId, messageFromA2aMessage(message));
  } catch (thrown) {
    throw idErrorFromThrown(thrown);
  }
}

/** The task when it has ended or waits for the caller, or as it is after the longest wait. */
async function settled({ tasks, maxWaitMs }: SendingDeps, { call }: Asked, task: Task): Promise<Task> {
  if (isSettled(task.status?.state)) return task;
  const subscription = await tasks.subscribe(call, task.id);
  const late = setTimeout(() => subscription.close(), maxWaitMs);
  try {
    for await (const { task: now, event } of subscription) {
      if (isSettled((now ?? event).status?.state)) break;
    }
  } finally {
    clearTimeout(late);
    subscription.close();
  }
  return tasks.get(call, task.id);
}

function isSettled(state: number | undefined): boolean {
  return state !== undefined && (isTerminal(state) || isInterrupted(state));
}

function messageResponse(value: A2aMessage): SendMessageResponse {
  return create(SendMessageResponseSchema, { payload: { case: "message", value } });
}

function taskResponse(value: A2aTask): SendMessageResponse {
  return create(SendMessageResponseSchema, { payload: { case: "task", value } });
}

async function* once(value: A2aMessage): ItemStream {
  const response: StreamResponse = create(StreamResponseSchema, { payload: { case: "message", value } });
  yield { response, sequence: undefined };
}
