import type { Call } from "../model/principal.ts";
import type { ReachDialect } from "../outbound/reach/dialect.ts";
import type { NewReachCredential, ReachCredentialView } from "../outbound/reach/reach-credentials.ts";

export type {
  LookDeps,
  ReachDialect,
  Reached,
  RemoteAgent,
  RemoteNews,
  RemotePlace,
  RemoteTask,
  RemoteTurn,
} from "../outbound/reach/dialect.ts";
export type { NewReachCredential, ReachCredentialView } from "../outbound/reach/reach-credentials.ts";
export type { ReachHttp } from "../outbound/reach/reach-http.ts";

/**
 * Agents that are reached by a foreign protocol. Where one is reached stands in its profile (`reach`, see
 * `model/reach.ts`), and so does how that goes (`reach_status`).
 */
export interface ReachApi {
  /** For adapters, when they are mounted: how agents are reached in the adapter's protocol. */
  addDialect(dialect: ReachDialect): void;
  /**
   * What the hub shows to the agent elsewhere that the caller stands for: one header, to one origin. In the place of the
   * one that was set; never told again. @throws MeshError invalid_argument
   */
  setCredential(call: Call, input: NewReachCredential): Promise<ReachCredentialView>;
  /** The caller's, without its value. @throws MeshError not_found */
  getCredential(call: Call): Promise<ReachCredentialView>;
  /** @throws MeshError not_found */
  removeCredential(call: Call): Promise<void>;
}
