import { type Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps, type Agent as TlsAgent } from "node:https";
import { MeshError } from "../../../model/errors.ts";
import type { OutboundRequest } from "../../../ports/outbound-http.ts";
import { type Guard, hostOf } from "./guard.ts";

export interface Agents {
  readonly http: Agent;
  readonly https: TlsAgent;
}

export interface ExchangeDeps {
  readonly guard: Guard;
  readonly agents: Agents;
  /** Ends the call when it aborts; its reason is what the caller is told. */
  readonly signal: AbortSignal;
}

/** One request and the head of its answer. @throws MeshError */
export async function exchange(request: OutboundRequest, deps: ExchangeDeps): Promise<IncomingMessage> {
  const url = deps.guard.target(request.url);
  for (;;) {
    const sent = send(url, request, deps);
    try {
      return await answerTo(sent);
    } catch (thrown) {
      // The server closed a kept connection while it was picked up again: it has not seen this request.
      if (sent.reusedSocket && codeOf(thrown) === "ECONNRESET" && !deps.signal.aborted) continue;
      throw failureFrom(thrown, url, deps.signal);
    }
  }
}

function send(url: URL, request: OutboundRequest, { guard, agents, signal }: ExchangeDeps): ClientRequest {
  const isTls = url.protocol === "https:";
  const body = request.body === undefined ? undefined : Buffer.from(request.body);
  const options = {
    method: request.method,
    hostname: hostOf(url),
    port: url.port,
    path: `${url.pathname}${url.search}`,
    headers: {
      "accept-encoding": "identity",
      "user-agent": "meshkore",
      ...request.headers,
      ...(body === undefined ? {} : { "content-length": String(body.length) }),
    },
    lookup: guard.lookup,
    signal,
  };
  const sent = isTls
    ? requestHttps({ ...options, agent: agents.https })
    : requestHttp({ ...options, agent: agents.http });
  sent.end(body);
  return sent;
}

function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once("response", resolve);
    // Stays: what breaks later belongs to the reader of the body, and must not end the process.
    sent.on("error", reject);
    sent.once("upgrade", (_message, socket) => {
      socket.destroy();
      reject(new Error("the server changed the protocol"));
    });
  });
}

/** What a caller is told: never more than it may know of the network. */
export function failureFrom(thrown: unknown, url: URL, signal: AbortSignal): MeshError {
  if (signal.aborted && signal.reason instanceof MeshError) return signal.reason;
  if (thrown instanceof MeshError) return thrown;
  const why = codeOf(thrown) ?? (thrown instanceof Error ? thrown.message : "it failed");
  const what = BROKE_OFF.test(why) ? "broke off" : "cannot be reached";
  return new MeshError("unavailable", `${url.host} ${what}: ${why}`, {
    hint: "see that the server is up and answers by HTTP under that URL",
    cause: thrown,
  });
}

/** Of a server that was there: the connection ended, what it sent was no HTTP (HPE), or not in the coding it said (Z). */
const BROKE_OFF =
  /^(ECONNRESET|ECONNABORTED|EPIPE|HPE_\w+|Z_\w+|ERR_\w+|aborted|socket hang up|the server .*)$/;

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined;
}
