import type { JsonObject } from "./json.ts";

export type AgentStatus = "available" | "busy" | "away";
export type Visibility = "public" | "hub" | "hidden";
export type Access = "members" | "public";
export type PlanName = "open" | "free" | "pro";
export type AccessMode = "block" | "allow";

export interface Price {
  /** Decimal number as text, such as "0.05". */
  readonly amount: string;
  readonly currency: string;
  readonly unit: string;
}

/** What an agent says of itself. Every part but status, visibility and access may be absent. */
export interface Profile {
  readonly name?: string;
  readonly description?: string;
  readonly capabilities: readonly string[];
  readonly languages?: readonly string[];
  readonly languagePairs?: readonly string[];
  readonly region?: string;
  readonly price?: Price;
  readonly turnaroundMin?: number;
  readonly credentials?: readonly string[];
  readonly status: AgentStatus;
  readonly visibility: Visibility;
  readonly access: Access;
  /** Further fields, as given. */
  readonly extra?: JsonObject;
}

/** Fields to set; a field that is absent stays as it is. */
export type ProfilePatch = { readonly [K in keyof Profile]?: Profile[K] | undefined };

export const DEFAULT_PROFILE: Profile = {
  capabilities: [],
  status: "available",
  visibility: "hub",
  access: "members",
};

/** An agent as stored. */
export interface AgentRecord {
  readonly agentId: string;
  readonly profile: Profile;
  readonly publicKey: string | undefined;
  readonly plan: PlanName;
  readonly createdUnixMs: number;
  /** Deleted agents stay as a tombstone, since an id is never given again. */
  readonly deletedUnixMs: number | undefined;
}

/** An agent as others see it. */
export interface AgentView {
  readonly agentId: string;
  readonly profile: Profile;
  readonly online: boolean;
  readonly createdUnixMs: number;
  readonly publicKey: string | undefined;
  /** Only for the agent itself and the operator. */
  readonly plan: PlanName | undefined;
}
