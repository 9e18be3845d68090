import type { IncomingMessage, ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { type HttpServer, openHttpServer } from "../../support/http-server.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

export type Json = Record<string, unknown>;

/** How a card, or whatever stands in its place, is served. */
export type Serve = (response: ServerResponse, request: IncomingMessage) => void;

/** A hub that reaches agents by cards that a test serves. */
export interface CardStage extends AsyncDisposable {
  readonly hub: TestHub;
  readonly alice: TestAgent;
  /** An agent that is reached by the card there. */
  reach(url: string, address?: Json): Promise<TestAgent>;
  /** What its profile says of how it is reached. */
  statusOf(agent: TestAgent): Promise<Json>;
  statusIs(agent: TestAgent, state: string, withinMs?: number): Promise<Json>;
  /** Why the agent whose card is served so is not taken. */
  refusalOf(serve: Serve, withinMs?: number): Promise<string>;
}

export async function openCardStage(): Promise<CardStage> {
  const hub = await startHub({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1" } });
  const alice = await hub.join("alice");
  let count = 0;
  const stage: CardStage = {
    ...{ hub, alice },
    reach(url, address = {}) {
      count += 1;
      const profile = { reach: { a2a: { card_url: url, ...address } } };
      return hub.join(`far-${count}`, { profile });
    },
    async statusOf({ agentId }) {
      const profile: Json = Object((await alice.get(`/agents/${agentId}`)).json);
      return Object(Object(profile["reach_status"])["a2a"]);
    },
    statusIs: (agent, state, withinMs = 20_000) =>
      until(
        `${agent.agentId} is ${state}`,
        async () => {
          const status = await stage.statusOf(agent);
          return status["state"] === state && status;
        },
        withinMs,
      ),
    async refusalOf(serve, withinMs) {
      const server = await openServer(serve);
      const agent = await stage.reach(server.url);
      return String((await stage.statusIs(agent, "unreachable", withinMs))["reason"]);
    },
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
  return stage;
}

export async function openServer(serve: Serve): Promise<HttpServer> {
  const server = await openHttpServer((request, response) => serve(response, request));
  onTestFinished(() => server.stop().catch(() => undefined));
  return server;
}

export function sendCard(card: unknown, headers: Record<string, string> = {}): Serve {
  const body = typeof card === "string" ? card : JSON.stringify(card);
  return (response) => {
    response.writeHead(200, { "content-type": "application/json", "cache-control": "max-age=1", ...headers });
    response.end(body);
  };
}

export function cardAt(url: string, changes: Json = {}): Json {
  return {
    ...{ name: "Far", description: "far away", version: "1", capabilities: {}, skills: [] },
    supportedInterfaces: [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
    ...changes,
  };
}

/** Of an agent where nobody answers, and which the hub would call. */
export const CARD = cardAt("http://127.0.0.1:9/rpc");
