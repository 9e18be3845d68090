import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { AgentCard, Message, Task, TaskArtifactUpdateEvent, TaskStatusUpdateEvent } from "@a2a-js/sdk";
import { LegacyJsonRpcTransportHandler } from "@a2a-js/sdk/compat/v0_3/server";
import {
  AgentEvent,
  type AgentExecutor,
  DefaultRequestHandler,
  type ExecutionEventBus,
  InMemoryTaskStore,
  JsonRpcTransportHandler,
  type RequestContext,
  ServerCallContext,
  UnauthenticatedUser,
} from "@a2a-js/sdk/server";
import { openHttpServer, textOf } from "./http-server.ts";

export interface RemoteOptions {
  readonly version: "1.0" | "0.3";
  readonly streaming: boolean;
  /** Turns the card before it is served, as signing does. */
  readonly dress?: (card: Record<string, unknown>) => Promise<Record<string, unknown>>;
}

/** An agent on the official SDK's server, in this process, behind a card. */
export interface A2aRemote extends AsyncDisposable {
  readonly cardUrl: string;
  readonly port: number;
  /** Methods that were called, in order. */
  readonly calls: string[];
  /** Texts of the turns that it was given. */
  readonly heard: string[];
  readonly canceled: string[];
  /** Answers calls with this status instead, while it is set. */
  failWith: number | undefined;
  /** Answers whoever does not show this header with 401, its card included, while it is set. */
  wanted: { readonly header: string; readonly value: string } | undefined;
  /** Leads calls to this URL, while it is set. */
  redirectTo: string | undefined;
  /** Of everything that came: its method and headers. */
  readonly seen: { readonly method: string; readonly headers: IncomingHttpHeaders }[];
  card: Record<string, unknown>;
  dress: RemoteOptions["dress"];
  /** Lets what is held go on. */
  release(): void;
  /** Goes away, with all connections; what it knows of its tasks stays. */
  stop(): Promise<void>;
  /** Comes back on the same port. */
  start(): Promise<void>;
}

export async function openA2aRemote(options: RemoteOptions): Promise<A2aRemote> {
  const heard: string[] = [];
  const canceled: string[] = [];
  const calls: string[] = [];
  let holding: (() => void)[] = [];
  const hold = (): Promise<void> => new Promise((resolve) => holding.push(resolve));
  const card = (url: string) =>
    options.version === "1.0" ? currentCard(url, options) : oldCard(url, options);
  const executor = createExecutor({ heard, canceled, hold });
  const describing = AgentCard.fromJSON(currentCard("http://here.test/", options));
  const handler = new DefaultRequestHandler(describing, new InMemoryTaskStore(), executor);
  const rpc =
    options.version === "1.0"
      ? new JsonRpcTransportHandler(handler)
      : new LegacyJsonRpcTransportHandler(handler);
  const seen: A2aRemote["seen"] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    seen.push({ method: request.method ?? "", headers: request.headers });
    const { wanted, redirectTo } = remote;
    if (wanted !== undefined && request.headers[wanted.header] !== wanted.value) {
      response.writeHead(401, { "www-authenticate": "Bearer" }).end("who are you?");
      return;
    }
    if (redirectTo !== undefined && request.method === "POST") {
      response.writeHead(307, { location: redirectTo }).end();
      return;
    }
    if (request.method === "GET") {
      const body = JSON.stringify((await remote.dress?.(remote.card)) ?? remote.card);
      response.writeHead(200, { "content-type": "application/json", "cache-control": "max-age=1" }).end(body);
      return;
    }
    if (remote.failWith !== undefined) {
      response.writeHead(remote.failWith).end();
      return;
    }
    const body: Record<string, unknown> = JSON.parse(await textOf(request));
    calls.push(String(body["method"]));
    await answer(rpc, body, response);
  };
  const listen = (port = 0) => openHttpServer((request, response) => void serve(request, response), { port });
  let server = await listen();
  const remote: A2aRemote = {
    cardUrl: `${server.url}/.well-known/agent-card.json`,
    port: server.port,
    ...{ calls, heard, canceled, seen, dress: options.dress },
    ...{ failWith: undefined, wanted: undefined, redirectTo: undefined },
    card: card(`${server.url}/rpc`),
    release() {
      for (const go of holding) go();
      holding = [];
    },
    stop: () => server.stop(),
    async start() {
      server = await listen(remote.port);
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
  return remote;
}

async function answer(
  rpc: Pick<JsonRpcTransportHandler, "handle"> | Pick<LegacyJsonRpcTransportHandler, "handle">,
  body: Record<string, unknown>,
  response: ServerResponse,
): Promise<void> {
  const context = new ServerCallContext({ user: new UnauthenticatedUser(), requestedVersion: "1.0" });
  const result = await rpc.handle(body, context);
  if (!(Symbol.asyncIterator in result)) {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  try {
    for await (const item of result) response.write(`data: ${JSON.stringify(item)}\n\n`);
  } catch (thrown) {
    const error = JsonRpcTransportHandler.mapToJSONRPCError(thrown as Error);
    response.write(`event: error\ndata: ${JSON.stringify({ jsonrpc: "2.0", id: body["id"], error })}\n\n`);
  }
  response.end();
}

function currentCard(url: string, { streaming }: RemoteOptions): Record<string, unknown> {
  return {
    ...about(streaming),
    supportedInterfaces: [
      { url: "grpc://nobody.test:1", protocolBinding: "GRPC", protocolVersion: "1.0" },
      { url, protocolBinding: "JSONRPC", protocolVersion: "1.0" },
    ],
  };
}

function oldCard(url: string, { streaming }: RemoteOptions): Record<string, unknown> {
  return { ...about(streaming), protocolVersion: "0.3.0", url, preferredTransport: "JSONRPC" };
}

function about(streaming: boolean): Record<string, unknown> {
  return {
    ...{ name: "Far Away", description: "translates contracts", version: "7" },
    capabilities: { streaming, pushNotifications: false },
    ...{ defaultInputModes: ["text/plain"], defaultOutputModes: ["text/plain"] },
    skills: [{ id: "translate-legal", name: "Legal translation", description: "", tags: ["law"] }],
  };
}

/** Asked as ADK's agents ask: by a call of a function that takes its time. */
export const QUESTION = [
  {
    data: { id: "q1", name: "ask_color", args: { of: "wall" } },
    metadata: { adk_type: "function_call", adk_is_long_running: true },
  },
];

interface Senses {
  readonly heard: string[];
  readonly canceled: string[];
  readonly hold: () => Promise<void>;
}

/** Does what the text says. */
function createExecutor({ heard, canceled, hold }: Senses): AgentExecutor {
  return {
    async execute(context, bus) {
      const { userMessage } = context;
      const part = userMessage.parts[0]?.content;
      const text = part?.$case === "text" ? part.value : `<${part?.$case}>`;
      heard.push(text);
      const say = new Speaker(context, bus);
      if (text.startsWith("message ")) bus.publish(AgentEvent.message(say.message(text.slice(8))));
      else await act(text, say, { context, hold });
      bus.finished();
    },
    async cancelTask(taskId, bus) {
      canceled.push(taskId);
      const status = { state: "TASK_STATE_CANCELED" };
      bus.publish(AgentEvent.statusUpdate(TaskStatusUpdateEvent.fromJSON({ taskId, contextId: "", status })));
      bus.finished();
    },
  };
}

async function act(
  text: string,
  say: Speaker,
  { context, hold }: { readonly context: RequestContext; readonly hold: () => Promise<void> },
): Promise<void> {
  say.task(context.task);
  if (text.startsWith("echo ")) say.artifact(text.slice(5));
  else if (text === "stream") {
    say.status("WORKING", "at it");
    say.artifact("one ", { append: false });
    say.artifact("two", { append: true, lastChunk: true });
  } else if (text === "hold") {
    say.status("WORKING", "holding");
    say.artifact("half ", { append: false });
    await hold();
    say.artifact("whole", { append: true, lastChunk: true });
  } else if (text === "ask") return say.status("INPUT_REQUIRED", "which one?");
  else if (text === "form") return say.status("INPUT_REQUIRED", QUESTION);
  else if (text === "fail") return say.status("FAILED", "it broke");
  else if (text === "file") say.artifactOf(context.userMessage.parts.slice(1));
  else say.artifact(`got ${text}`);
  say.status("COMPLETED");
}

/** What it says, in the SDK's words. */
class Speaker {
  readonly #place: { taskId: string; contextId: string };
  readonly #bus: ExecutionEventBus;

  constructor({ taskId, contextId }: RequestContext, bus: ExecutionEventBus) {
    this.#place = { taskId, contextId };
    this.#bus = bus;
  }

  message(said: string | readonly object[]): Message {
    const { contextId } = this.#place;
    const parts = typeof said === "string" ? [{ text: said }] : said;
    return Message.fromJSON({ messageId: randomUUID(), contextId, role: "ROLE_AGENT", parts });
  }

  /** The SDK wants the task first, also when it is known: then as it stood before the turn. */
  task(known: Task | undefined): void {
    const { taskId: id, contextId } = this.#place;
    if (known !== undefined) {
      this.#bus.publish(AgentEvent.task(known));
      return;
    }
    this.#bus.publish(
      AgentEvent.task(Task.fromJSON({ id, contextId, status: { state: "TASK_STATE_SUBMITTED" } })),
    );
  }

  status(state: string, said?: string | readonly object[]): void {
    const message = said === undefined ? {} : { message: Message.toJSON(this.message(said)) };
    const status = { state: `TASK_STATE_${state}`, timestamp: new Date().toISOString(), ...message };
    this.#bus.publish(AgentEvent.statusUpdate(TaskStatusUpdateEvent.fromJSON({ ...this.#place, status })));
  }

  /** A whole one, unless the flags say otherwise. */
  artifact(
    text: string,
    flags: { append?: boolean; lastChunk?: boolean } = { append: false, lastChunk: true },
  ): void {
    const artifact = { artifactId: "a1", name: "result", parts: [{ text }] };
    this.#bus.publish(
      AgentEvent.artifactUpdate(TaskArtifactUpdateEvent.fromJSON({ ...this.#place, artifact, ...flags })),
    );
  }

  artifactOf(parts: Message["parts"]): void {
    const event = TaskArtifactUpdateEvent.fromJSON({
      ...this.#place,
      artifact: { artifactId: "a1", parts: [] },
      lastChunk: true,
    });
    if (event.artifact !== undefined) event.artifact.parts = parts;
    this.#bus.publish(AgentEvent.artifactUpdate(event));
  }
}
