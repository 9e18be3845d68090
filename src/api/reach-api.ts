import type { ReachDialect } from "../outbound/reach/dialect.ts";

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
export type { ReachHttp } from "../outbound/reach/reach-http.ts";

/**
 * Agents that are reached by a foreign protocol. Where one is reached stands in its profile (`reach`, see
 * `model/reach.ts`), and so does how that goes (`reach_status`).
 */
export interface ReachApi {
  /** For adapters, when they are mounted: how agents are reached in the adapter's protocol. */
  addDialect(dialect: ReachDialect): void;
}
