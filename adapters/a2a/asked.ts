import type { Call } from "../../src/adapter-kit.ts";
import { A2aError, invalidParams } from "./a2a-error.ts";
import type { ProtocolVersion } from "./versions.ts";

const AGENT_ID = /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** In the place of an agent's id: the hub itself. No agent id has a tilde. */
export const HUB = "~hub";

/** One call of an operation, whatever binding it came by. */
export interface Asked {
  readonly call: Call;
  /** Whose base URL was called; HUB stands for the hub, and for no base at all. */
  readonly base: string;
  readonly version: ProtocolVersion;
  /** Extensions of the hub's own that the caller wants. */
  readonly extensions: ReadonlySet<string>;
  /** Sequence of the last event that the caller has. */
  readonly after: number | undefined;
}

/**
 * Whom the request is for: an agent's own base stands for that agent alone, the hub's base for whom the tenant names.
 * @throws A2aError INVALID_PARAMS, AGENT_NOT_FOUND for what is no agent's name
 */
export function agentOf({ base }: Pick<Asked, "base">, tenant: string): string {
  const agent = base === HUB && tenant !== "" ? tenant : base;
  if (agent !== HUB && !AGENT_ID.test(agent)) {
    throw new A2aError("AGENT_NOT_FOUND", "there is no such agent that you may see");
  }
  if (tenant === "" || tenant === agent) return agent;
  throw invalidParams({ field: "tenant", description: "is not the agent that this address belongs to" });
}
