import { MeshError } from "../../model/errors.ts";
import type { HttpResponse, SocketHandler, SocketUpgrade } from "../../ports/listener.ts";
import type { FrameCodec } from "./frames.ts";
import { jsonCodec } from "./json-codec.ts";
import { type OpenSessionOptions, sessionsOf } from "./open-session.ts";
import { protoCodec } from "./proto-codec.ts";
import type { SessionStart } from "./session.ts";

const CODECS: readonly FrameCodec[] = [protoCodec, jsonCodec];
/** A browser cannot set a header on a WebSocket: it may hand the token over as a subprotocol. */
const BEARER_SUBPROTOCOL = "meshkore.bearer.";
/** As counts name it. */
const WIRE = "websocket";

/** Opens a session for each WebSocket at /ws. A client that offers no subprotocol speaks JSON. */
export function createSocketHandler(options: OpenSessionOptions): SocketHandler {
  const open = sessionsOf(options, WIRE);
  return (upgrade) => {
    const offered = listOf(upgrade.headers.get("sec-websocket-protocol"));
    const codec = codecOf(offered);
    // A client that offered something takes no connection without a subprotocol (RFC 6455, section 4.1).
    if (codec === undefined && offered.length > 0) return { kind: "refuse", response: unknownSubprotocol() };
    const start = {
      codec: codec ?? jsonCodec,
      ...credentialOf(upgrade, offered),
      traceparent: upgrade.headers.get("traceparent"),
    };
    return {
      kind: "accept",
      subprotocol: codec?.subprotocol ?? "",
      open: (connection) => open(start, connection),
    };
  };
}

/** The first that the client offers and the hub speaks: the client's order is its preference. */
function codecOf(offered: readonly string[]): FrameCodec | undefined {
  for (const name of offered) {
    const codec = CODECS.find((candidate) => candidate.subprotocol === name);
    if (codec !== undefined) return codec;
  }
  return undefined;
}

function listOf(header: string | undefined): string[] {
  return (header ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** A token goes before a ticket. */
function credentialOf(
  upgrade: SocketUpgrade,
  offered: readonly string[],
): Pick<SessionStart, "token" | "isTicket"> {
  const token = tokenOf(upgrade, offered);
  const ticket = token === undefined ? new URLSearchParams(upgrade.query).get("ticket") : null;
  return ticket === null ? { token } : { token: ticket, isTicket: true };
}

function tokenOf(upgrade: SocketUpgrade, offered: readonly string[]): string | undefined {
  const bearer = /^bearer +(.+)$/i.exec(upgrade.headers.get("authorization") ?? "")?.[1];
  const fromList = offered
    .find((name) => name.startsWith(BEARER_SUBPROTOCOL))
    ?.slice(BEARER_SUBPROTOCOL.length);
  return bearer ?? fromList;
}

function unknownSubprotocol(): HttpResponse {
  const error = new MeshError("invalid_argument", "no subprotocol of this hub was offered", {
    hint: `offer ${CODECS.map((codec) => codec.subprotocol).join(" or ")}`,
  });
  return {
    status: 400,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ error: { code: error.code, message: error.message, hint: error.hint } }),
  };
}
