import { afterEach, beforeEach } from "vitest";
import { type AgentRecord, DEFAULT_PROFILE, type Profile } from "../../../src/model/agent.ts";
import type { InviteRecord } from "../../../src/ports/invite-store.ts";
import type { OpenStores, Stores } from "../../../src/ports/stores.ts";

/** What a store engine's test file gives to the suites. */
export interface StoreFactory {
  /** An empty database for one test. */
  create(): Promise<StoreDatabase>;
}

export interface StoreDatabase {
  /** Opens the database; again after the last ones were disposed, with all that was written. */
  open(): Promise<OpenStores>;
  remove(): Promise<void>;
}

export interface StoreFixture {
  readonly stores: Stores;
  /** Closes and opens again. */
  reopen(): Promise<void>;
}

/** Fresh stores for every test of the describe block that calls this. */
export function useStores(factory: StoreFactory): StoreFixture {
  let database: StoreDatabase | undefined;
  let opened: OpenStores | undefined;
  const current = (): OpenStores => {
    if (opened === undefined) throw new Error("the stores are open only within a test");
    return opened;
  };
  beforeEach(async () => {
    database = await factory.create();
    opened = await database.open();
  });
  afterEach(async () => {
    await opened?.[Symbol.asyncDispose]();
    await database?.remove();
    opened = undefined;
    database = undefined;
  });
  return {
    get stores() {
      return current();
    },
    async reopen() {
      await current()[Symbol.asyncDispose]();
      opened = await database?.open();
    },
  };
}

export const NOW_MS = 1_800_000_000_000;

export function agentRecord(agentId: string, profile: Partial<Profile> = {}): AgentRecord {
  return {
    agentId,
    profile: { ...DEFAULT_PROFILE, ...profile },
    publicKey: undefined,
    plan: "open",
    createdUnixMs: NOW_MS,
    deletedUnixMs: undefined,
  };
}

export function inviteRecord(nonce: string, changes: Partial<InviteRecord> = {}): InviteRecord {
  return {
    nonce,
    createdBy: "admin",
    createdUnixMs: NOW_MS,
    expiresUnixMs: NOW_MS + 60_000,
    maxUses: 1,
    uses: 0,
    revoked: false,
    capabilities: [],
    ...changes,
  };
}

/** Lets agents join through an invite of their own; the key of each has the hash `key-<id>`. */
export async function joinAgents(stores: Stores, ...agentIds: readonly string[]): Promise<void> {
  const nonce = `invite-for-${agentIds[0]}`;
  await stores.invites.create(inviteRecord(nonce, { maxUses: agentIds.length }));
  await Promise.all(
    agentIds.map((agentId) => stores.invites.join(nonce, agentRecord(agentId), `key-${agentId}`, NOW_MS)),
  );
}

/** `prefix` and a number, in an order that is also the order of text. */
export function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(5, "0")}`);
}
