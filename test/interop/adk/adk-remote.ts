import type { RequestListener } from "node:http";
import { BaseAgent, createEvent, type Event, type InvocationContext, toA2a } from "@google/adk";
import { type HttpServer, openHttpServer } from "../../support/http-server.ts";
import type { Gate } from "./script.ts";

/** An agent of ADK's, without a model, that ADK itself serves by A2A. */
export interface AdkRemote extends AsyncDisposable {
  readonly cardUrl: string;
  stop(): Promise<void>;
  /** On the same port again. */
  start(): Promise<void>;
}

export async function openAdkRemote(gate: Gate): Promise<AdkRemote> {
  let serve: RequestListener = (_request, response) => void response.writeHead(503).end();
  const listen = (port = 0): Promise<HttpServer> =>
    openHttpServer((request, response) => serve(request, response), { port });
  let server = await listen();
  const { port, url } = server;
  serve = await toA2a(new ObedientAgent(gate), { host: "127.0.0.1", port, allowUnauthenticated: true });
  return {
    cardUrl: `${url}/.well-known/agent-card.json`,
    stop: () => server.stop(),
    async start() {
      server = await listen(port);
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

type Content = NonNullable<Event["content"]>;
type Part = NonNullable<Content["parts"]>[number];

/** Does what the text says. */
class ObedientAgent extends BaseAgent {
  readonly #gate: Gate;

  constructor(gate: Gate) {
    super({ name: "far_adk", description: "does what it is told" });
    this.#gate = gate;
  }

  protected override async *runAsyncImpl(context: InvocationContext): AsyncGenerator<Event, void, void> {
    const [first, ...rest] = context.userContent?.parts ?? [];
    const says = (parts: readonly Part[], more: Parameters<typeof createEvent>[0] = {}): Event =>
      createEvent({
        ...{ author: this.name, invocationId: context.invocationId, ...more },
        content: { role: "model", parts: [...parts] },
      });
    const text = first?.text ?? "";
    if (first?.functionResponse !== undefined) {
      yield says([{ text: `got ${first.functionResponse.response?.["color"]}` }]);
    } else if (text.startsWith("echo ")) yield says([{ text: text.slice(5) }]);
    else if (text === "file") yield says(rest);
    else if (text === "form") {
      const functionCall = { id: "q1", name: "ask_color", args: { of: "wall" } };
      yield says([{ functionCall }], { longRunningToolIds: ["q1"] });
    } else if (text === "fail") throw new Error("it broke");
    else {
      // As an agent with a model does: pieces, then the whole of it.
      yield says([{ text: "half " }], { partial: true });
      if (text === "hold") await this.#gate.hold();
      yield says([{ text: "whole" }], { partial: true });
      yield says([{ text: "half whole" }]);
    }
  }

  // biome-ignore lint/correctness/useYield: it is not for live sessions
  protected override async *runLiveImpl(): AsyncGenerator<Event, void, void> {
    throw new Error("not live");
  }
}
