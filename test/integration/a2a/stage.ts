import type { SendMessageRequest, StreamResponse, Task } from "@a2a-js/sdk";
import { Role, TaskState } from "@a2a-js/sdk";
import {
  type Client,
  ClientFactory,
  ClientFactoryOptions,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory,
} from "@a2a-js/sdk/client";
import { GrpcTransportFactory } from "@a2a-js/sdk/client/grpc";
import { credentials } from "@grpc/grpc-js";
import { type HubOptions, startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import type { Script } from "../../support/task-worker.ts";

export const BINDINGS = ["JSONRPC", "HTTP+JSON", "GRPC"] as const;
export type Binding = (typeof BINDINGS)[number];

/** A hub with a caller and workers, whom the tests of one file share. */
export interface Stage extends AsyncDisposable {
  readonly hub: TestHub;
  readonly alice: TestAgent;
  readonly bob: TestAgent;
}

export async function openStage(options: HubOptions = {}): Promise<Stage> {
  const hub = await startHub(options);
  const alice = await hub.join("alice");
  const bob = await hub.join("bob", {
    profile: { name: "Bob", description: "does what he is told", capabilities: ["echo"] },
  });
  return { hub, alice, bob, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

/** The official client of 1.0, on one binding, with the token of an agent in every call. */
export async function sdkClient(base: string, binding: Binding, token: string | undefined): Promise<Client> {
  const fetchImpl = fetchWith(token);
  const options = ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
    transports: [
      new JsonRpcTransportFactory({ fetchImpl }),
      new RestTransportFactory({ fetchImpl }),
      new GrpcTransportFactory({ grpcChannelCredentials: credentials.createInsecure() }),
    ],
    preferredTransports: [binding],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
    clientConfig: { interceptors: token === undefined ? [] : [bearer(token)] },
  });
  // With a slash at the end the well-known path goes behind the base.
  return new ClientFactory(options).createFromUrl(`${base}/`);
}

export function fetchWith(token: string | undefined): typeof fetch {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    return fetch(input, { ...init, headers });
  };
}

/** gRPC has no fetch: metadata carries the token. */
function bearer(token: string) {
  return {
    before: async (args: { options?: { serviceParameters?: Record<string, string> } }) => {
      args.options = {
        ...args.options,
        serviceParameters: { ...args.options?.serviceParameters, authorization: `Bearer ${token}` },
      };
    },
    after: async () => undefined,
  };
}

let count = 0;

/** A message of the user with one text. */
export function says(text: string, rest: Partial<SendMessageRequest["message"]> = {}): SendMessageRequest {
  count += 1;
  return {
    tenant: "",
    message: {
      messageId: `m${process.pid}-${count}`,
      contextId: "",
      taskId: "",
      role: Role.ROLE_USER,
      parts: [{ content: { $case: "text", value: text }, metadata: undefined, filename: "", mediaType: "" }],
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
      ...rest,
    },
    configuration: undefined,
    metadata: undefined,
  };
}

/** The configuration of a send, of which most is left out. */
export function configured(
  request: SendMessageRequest,
  configuration: Partial<NonNullable<SendMessageRequest["configuration"]>>,
): SendMessageRequest {
  return {
    ...request,
    configuration: {
      acceptedOutputModes: [],
      taskPushNotificationConfig: undefined,
      historyLength: undefined,
      returnImmediately: false,
      ...configuration,
    },
  };
}

export function asTask(answer: unknown): Task {
  const task = answer as Task;
  if (task.status === undefined) throw new Error(`not a task: ${JSON.stringify(answer)}`);
  return task;
}

export async function collect(stream: AsyncIterable<StreamResponse>): Promise<StreamResponse[]> {
  const items: StreamResponse[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** The next thing that a stream gives. @throws when it has ended */
export async function nextItem(stream: AsyncIterator<StreamResponse, unknown>): Promise<StreamResponse> {
  const { done, value } = await stream.next();
  if (done === true) throw new Error("the stream has ended");
  return value;
}

/** What a stream gave, in short: the state of a task or a status, the text of a piece of an artifact. */
export function outline(items: readonly StreamResponse[]): string[] {
  return items.map(({ payload }) => {
    if (payload?.$case === "task") return `task ${stateName(payload.value.status?.state)}`;
    if (payload?.$case === "statusUpdate") return `status ${stateName(payload.value.status?.state)}`;
    if (payload?.$case === "artifactUpdate") return `artifact ${textOf(payload.value.artifact)}`;
    return `message ${payload === undefined ? "" : textOf(payload.value)}`;
  });
}

export function stateName(state: TaskState | undefined): string {
  return state === undefined ? "none" : (TaskState[state] ?? "").replace("TASK_STATE_", "");
}

export function textOf(holder: Pick<Task["artifacts"][number], "parts"> | undefined): string {
  return (holder?.parts ?? [])
    .map(({ content }) => (content?.$case === "text" ? content.value : `<${content?.$case}>`))
    .join("");
}

/** A worker that does what the text says. */
export const obedient: Script = async ({ turn, update }) => {
  const text = String(turn.parts[0]?.["text"] ?? "");
  if (!turn.isFirst) return update({ payload: `got ${text}`, status: "completed" });
  if (text.startsWith("echo ")) return update({ payload: text.slice(5), status: "completed" });
  if (text === "stream") {
    await update({ status: "working" });
    await update({ payload: "one ", artifact: { artifact_id: "a1", name: "numbers" } });
    await update({ payload: "two ", artifact: { artifact_id: "a1", append: true } });
    return update({
      payload: "three",
      artifact: { artifact_id: "a1", append: true, last_chunk: true },
      status: "completed",
    });
  }
  if (text === "ask") return update({ payload: "which one?", status: "input_required" });
  if (text === "fail") return update({ payload: "it broke", status: "failed" });
  if (text === "return") return update({ parts: turn.parts.slice(1), status: "completed" });
  if (text === "work") return update({ status: "working" });
};
