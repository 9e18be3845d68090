import { type Counts, openCountOf } from "../../model/counts.ts";
import { type AgentPrincipal, requireAgent } from "../../model/principal.ts";
import type { SocketConnection, SocketSession } from "../../ports/listener.ts";
import { bearerFromHeader, type CallerHeaders } from "../caller.ts";
import type { HubApi } from "../hub-api.ts";
import { protoCodec } from "./proto-codec.ts";
import { Session, type SessionOptions, type SessionStart } from "./session.ts";

const HELLO_MS = 10_000;

export interface OpenSessionOptions {
  readonly api: HubApi;
  readonly hubId: string;
  readonly maxPayloadBytes: number;
  readonly maxFrameBytes: number;
  readonly counts: Counts;
}

/** Opens sessions over connections of one wire. `wire`: as counts name it. What sessions share is made once. */
export function sessionsOf(
  { api, counts, ...facts }: OpenSessionOptions,
  wire: string,
): (start: SessionStart, connection: SocketConnection) => Session {
  const options: SessionOptions = {
    ...facts,
    relay: api.relay,
    authenticate: async (token, remoteAddress, isTicket): Promise<AgentPrincipal> => {
      const { registry } = api;
      if (isTicket) return requireAgent(await registry.redeemTicket(token, remoteAddress));
      return requireAgent(await registry.authenticate(token, remoteAddress));
    },
    helloMs: HELLO_MS,
    counts: { messages: counts.messages, sessions: openCountOf(counts.sessions, wire) },
  };
  return (start, connection) => new Session(options, start, connection);
}

/** Opens the sessions of gRPC, whose messages are the frames. The token is in the metadata, or in the hello. */
export function createSessionOpener(
  options: OpenSessionOptions,
): (connection: SocketConnection, caller: CallerHeaders) => SocketSession {
  const open = sessionsOf(options, "grpc");
  return (connection, { headers }) => {
    const start = { codec: protoCodec, token: tokenFrom(headers), traceparent: headers.get("traceparent") };
    return open(start, connection);
  };
}

/** A header that is no bearer token is a wrong token: what comes after it is not asked. */
function tokenFrom(headers: ReadonlyMap<string, string>): string | undefined {
  const header = headers.get("authorization");
  try {
    return bearerFromHeader(header);
  } catch {
    return "";
  }
}
