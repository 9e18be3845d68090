import type { AgentView } from "../model/agent.ts";
import type { Call } from "../model/principal.ts";
import type { ChannelView } from "./channel-api.ts";

export interface HubStats {
  readonly hubId: string;
  readonly version: string;
  readonly agents: number;
  readonly online: number;
  readonly channels: number;
  readonly messagesAccepted: number;
  readonly bytesAccepted: number;
  readonly uptimeS: number;
}

export interface NetworkEdge {
  readonly from: string;
  readonly to: string;
  readonly messages: number;
  readonly lastUnixMs: number;
}

export interface HubNetwork {
  readonly agents: number;
  readonly online: number;
  readonly messages: number;
  /** An agent sees its own, the operator all; busiest first, at most 1,000. */
  readonly edges: readonly NetworkEdge[];
}

/** What an agent that just woke up needs to know to act. */
export interface HubContext {
  readonly hubId: string;
  readonly you: AgentView;
  readonly unread: number;
  readonly cursor: string;
  /** Agents that the caller may see, online first, at most 50. */
  readonly agents: readonly AgentView[];
  readonly channels: readonly ChannelView[];
  readonly limits: { readonly perMinute: number; readonly maxPayloadBytes: number; readonly plan: string };
}

/** Any agent and the operator (context: agents only). */
export interface OverviewApi {
  stats(call: Call): Promise<HubStats>;
  network(call: Call): Promise<HubNetwork>;
  context(call: Call): Promise<HubContext>;
}
