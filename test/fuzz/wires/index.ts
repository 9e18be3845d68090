import type { Wire } from "../input.ts";
import { connectWire } from "./connect.ts";
import { grpcWire } from "./grpc.ts";
import { httpWire } from "./http.ts";
import { restWire } from "./rest.ts";
import { sessionWire } from "./session.ts";
import { sseWire } from "./sse.ts";
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
