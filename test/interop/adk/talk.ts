import {
  type Client,
  ClientFactory,
  ClientFactoryOptions,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory,
} from "@a2a-js/sdk/client";
import {
  type BaseAgent,
  type Event,
  InMemoryRunner,
  RemoteA2AAgent,
  type RemoteA2AAgentConfig,
} from "@google/adk";
import { fetchWith } from "../../integration/a2a/stage.ts";

type Content = NonNullable<Event["content"]>;
export type Part = NonNullable<Content["parts"]>[number];
export type Chunk = Parameters<NonNullable<RemoteA2AAgentConfig["afterRequestCallbacks"]>[number]>[1];

export function factoryFor(token: string | undefined, preferredTransports: string[] = []): ClientFactory {
  const fetchImpl = fetchWith(token);
  return new ClientFactory(
    ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
      transports: [new JsonRpcTransportFactory({ fetchImpl }), new RestTransportFactory({ fetchImpl })],
      preferredTransports,
      cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
    }),
  );
}

/** A conversation of ADK's runner with an agent, in one session. */
export class Talk {
  readonly #runner: InMemoryRunner;
  readonly #sessionId: string;
  /** All that the runner gave, as it came. */
  readonly events: Event[] = [];

  static async open(agent: BaseAgent): Promise<Talk> {
    const runner = new InMemoryRunner({ agent, appName: "test" });
    const { id } = await runner.sessionService.createSession({ appName: "test", userId: "ann" });
    return new Talk(runner, id);
  }

  private constructor(runner: InMemoryRunner, sessionId: string) {
    this.#runner = runner;
    this.#sessionId = sessionId;
  }

  /** One turn, to its end. */
  async say(said: string | Part[], abortSignal?: AbortSignal): Promise<Event[]> {
    const parts = typeof said === "string" ? [{ text: said }] : said;
    const before = this.events.length;
    const events = this.#runner.runAsync({
      ...{ userId: "ann", sessionId: this.#sessionId, newMessage: { role: "user", parts } },
      ...(abortSignal !== undefined && { abortSignal }),
    });
    for await (const event of events) this.events.push(event);
    return this.events.slice(before);
  }

  /** What the session holds of others than the user, in short. */
  async remembered(): Promise<string[]> {
    const place = { appName: "test", userId: "ann", sessionId: this.#sessionId };
    const session = await this.#runner.sessionService.getSession(place);
    return outline((session?.events ?? []).filter(({ author }) => author !== "user"));
  }
}

/** A conversation with one agent of the hub. */
export interface HubTalk extends Talk {
  /** What came from the hub, before ADK made events of it. */
  readonly chunks: readonly Chunk[];
}

/** Through a client of the caller's own, which knows the token. */
export async function talkTo(client: Client, more: Partial<RemoteA2AAgentConfig> = {}): Promise<HubTalk> {
  const chunks: Chunk[] = [];
  const agent = new RemoteA2AAgent({
    ...{ name: "far", client, ...more },
    afterRequestCallbacks: [(_context, chunk) => void chunks.push(chunk)],
  });
  return Object.assign(await Talk.open(agent), { chunks });
}

/** Text of an event, `~` before it when ADK does not keep it. */
export function outline(events: readonly Event[]): string[] {
  return events.map((event) => `${event.partial === true ? "~" : ""}${textOf(event)}`);
}

export function textOf({ content, errorMessage }: Event): string {
  if (errorMessage !== undefined) return `! ${errorMessage}`;
  const parts = content?.parts ?? [];
  return parts.map(({ text, functionCall }) => text ?? `<${functionCall?.name ?? "file"}>`).join("");
}

/** The ids under which the hub keeps what was said. */
export function placeOf(chunk: Chunk | undefined): {
  taskId: string | undefined;
  contextId: string | undefined;
} {
  if (chunk === undefined) throw new Error("nothing came");
  return { taskId: chunk.kind === "task" ? chunk.id : chunk.taskId, contextId: chunk.contextId };
}
