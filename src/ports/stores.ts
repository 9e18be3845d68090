import type { AccessStore } from "./access-store.ts";
import type { AgentStore } from "./agent-store.ts";
import type { ChannelStore } from "./channel-store.ts";
import type { InviteStore } from "./invite-store.ts";
import type { KeyStore } from "./key-store.ts";
import type { OutcomeStore } from "./outcome-store.ts";
import type { PushStore } from "./push-store.ts";
import type { ReachCredentialStore } from "./reach-credential-store.ts";
import type { ReachStore } from "./reach-store.ts";
import type { TaskStore } from "./task-store.ts";
import type { TrafficStore } from "./traffic-store.ts";

/**
 * What a store engine gives: one port per aggregate over one database.
 *
 * Guarantees of every engine, in every method:
 * - A write is durable when it answers, and all of it or nothing.
 * - Who awaited a write sees it in every later read.
 * - Text keeps all of Unicode but U+0000 and lone surrogates, which come back as U+FFFD.
 * - @throws MeshError storage_full (nothing was written; works again once there is room) and unavailable
 */
export interface Stores {
  readonly agents: AgentStore;
  readonly invites: InviteStore;
  readonly keys: KeyStore;
  readonly access: AccessStore;
  readonly channels: ChannelStore;
  readonly outcomes: OutcomeStore;
  readonly tasks: TaskStore;
  readonly pushes: PushStore;
  readonly reaches: ReachStore;
  readonly reachCredentials: ReachCredentialStore;
  readonly traffic: TrafficStore;
}

/** What an engine's `open…` gives: disposing finishes the calls that were made, then closes. */
export type OpenStores = Stores & AsyncDisposable;
