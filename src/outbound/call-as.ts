import type { Call } from "../model/principal.ts";

/** The calls that the hub makes in the name of an agent that it reaches by a foreign protocol, or of a caller. */
export function callAs(agentId: string, signal: AbortSignal): Call {
  return {
    principal: {
      kind: "agent",
      agentId,
      credential: { keyHash: "", kid: undefined },
      expiresUnixMs: undefined,
    },
    signal,
    remoteAddress: "",
  };
}
