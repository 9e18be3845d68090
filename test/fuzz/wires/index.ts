import type { Wire } from "../input.ts";
import { connectWire } from "./connect.ts";
import { grpcWire } from "./grpc.ts";
import { httpWire } from "./http.ts";
import { restWire } from "./rest.ts";
import { sessionWire } from "./session.ts";
import { sseWire } from "./sse.ts";
import { grpcTlsWire, httpTlsWire } from "./tls.ts";
import { webSocketWire } from "./websocket.ts";

/** Everything that a hub listens to. */
export const WIRES: readonly Wire[] = [
  httpWire,
  restWire,
  sseWire,
  webSocketWire,
  sessionWire,
  connectWire,
  grpcWire,
];

/** The same through TLS, and what lies below it. */
export const WIRES_WITH_TLS: readonly Wire[] = [...WIRES, httpTlsWire, grpcTlsWire];
