import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { AgentLogin, TasksSpec } from "./spec.ts";

/** What a caller of tasks does over one protocol; the worker's side is the same for all. */
export type TaskDialect = {
  /** Gives a task and answers with its id when it is accepted. */
  give(caller: AgentLogin, worker: AgentLogin, text: string): Promise<string>;
  /** Gives a task and follows it; answers when the stream ended, with the number of its events. */
  giveAndFollow(
    caller: AgentLogin,
    worker: AgentLogin,
    text: string,
    begun: (taskId: string) => void,
  ): Promise<number>;
  /** Opens a stream of a task's events and leaves it open. */
  follow(caller: AgentLogin, worker: AgentLogin, taskId: string): Promise<ClientRequest>;
};

type Call = { method: string; path: string; token: string; body?: unknown; headers?: Record<string, string> };

/** HTTP over kept connections, by Node's own client, the same for every dialect. */
export class TaskHttp {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  open({
    method,
    path,
    token,
    body,
    headers,
  }: Call): Promise<{ call: ClientRequest; answer: IncomingMessage }> {
    const text = body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(
        {
          ...{ method, path, port: this.#port, host: "127.0.0.1", agent: this.#agent },
          headers: {
            authorization: `Bearer ${token}`,
            ...(body !== undefined && {
              "content-type": "application/json",
              "content-length": Buffer.byteLength(text),
            }),
            ...headers,
          },
        },
        (answer) => resolve({ call, answer }),
      );
      call.on("error", reject);
      call.end(text);
    });
  }

  async json(call: Call): Promise<Record<string, unknown>> {
    const { answer } = await this.open(call);
    let text = "";
    for await (const chunk of answer.setEncoding("utf8")) text += chunk;
    if (answer.statusCode === undefined || answer.statusCode >= 300)
      throw new Error(`${call.method} ${call.path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function createDialect(spec: TasksSpec, http: TaskHttp): TaskDialect {
  return spec.dialect === "rest" ? restDialect(http) : a2aDialect(http);
}

function restDialect(http: TaskHttp): TaskDialect {
  const give = async ({ token }: AgentLogin, worker: AgentLogin, text: string): Promise<string> => {
    const body = { to: worker.id, payload: text, inbox: false };
    return String((await http.json({ method: "POST", path: "/tasks", token, body }))["task_id"]);
  };
  const events = (token: string, id: string) =>
    http.open({ method: "GET", path: `/tasks/${id}/events`, token });
  return {
    give,
    async giveAndFollow(caller, worker, text, begun) {
      const id = await give(caller, worker, text);
      const { answer } = await events(caller.token, id);
      return readEvents(answer, () => begun(id));
    },
    follow: async ({ token }, _worker, id) => started(await events(token, id)),
  };
}

function a2aDialect(http: TaskHttp): TaskDialect {
  let calls = 0;
  const call = (token: string, worker: AgentLogin, method: string, params: unknown) => ({
    method: "POST",
    path: `/a2a/${worker.id}`,
    token,
    headers: { "a2a-version": "1.0" },
    body: { jsonrpc: "2.0", id: ++calls, method, params },
  });
  const params = (text: string) => ({
    message: { messageId: crypto.randomUUID(), role: "ROLE_USER", parts: [{ text }] },
    configuration: { returnImmediately: true },
  });
  return {
    async give({ token }, worker, text) {
      const { result, error } = await http.json(call(token, worker, "SendMessage", params(text)));
      if (error !== undefined) throw new Error(JSON.stringify(error));
      return String(Object(result).task.id);
    },
    async giveAndFollow({ token }, worker, text, begun) {
      const { answer } = await http.open(call(token, worker, "SendStreamingMessage", params(text)));
      return readEvents(answer, (first) => begun(Object(JSON.parse(first)).result.task.id));
    },
    follow: async ({ token }, worker, id) =>
      started(await http.open(call(token, worker, "SubscribeToTask", { id }))),
  };
}

/** Reads to the end; `first` gets the data of the first event. */
async function readEvents(answer: IncomingMessage, first: (data: string) => void): Promise<number> {
  let rest = "";
  let count = 0;
  for await (const chunk of answer.setEncoding("utf8")) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (data === undefined) continue;
      if (count++ === 0) first(data);
    }
  }
  return count;
}

/** When the first event is there. */
async function started(opened: { call: ClientRequest; answer: IncomingMessage }): Promise<ClientRequest> {
  const { call, answer } = opened;
  if (answer.statusCode !== 200) throw new Error(`a stream was refused: ${answer.statusCode}`);
  await new Promise<void>((resolve, reject) => {
    answer.once("data", () => resolve());
    answer.once("error", reject);
    answer.once("end", () => reject(new Error("a stream ended at once")));
  });
  answer.resume();
  answer.on("error", () => undefined);
  call.on("error", () => undefined);
  return call;
}
