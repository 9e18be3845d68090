/** Engines of the port OutboundHttp. */
export const OUTBOUND_HTTP_ENGINES = {
  node: () => import("./node/outbound-http.ts").then((engine) => engine.openOutboundHttp),
} as const;
