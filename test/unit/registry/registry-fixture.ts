import { ProfileChecks } from "../../../src/api/profile-checks.ts";
import { createRegistryApi } from "../../../src/api/registry.ts";
import type { Joined, RegistryApi } from "../../../src/api/registry-api.ts";
import type { ProfilePatch } from "../../../src/model/agent.ts";
import { newCounts } from "../../../src/model/counts.ts";
import { type AgentPrincipal, ANONYMOUS, type Call, type Principal } from "../../../src/model/principal.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Logger } from "../../../src/ports/logger.ts";
import type { Stores } from "../../../src/ports/stores.ts";
import { digestFromCredential } from "../../../src/registry/credential-digest.ts";
import { createRegistry, type Registry, type RegistryDeps } from "../../../src/registry/registry.ts";
import { createMemoryStores } from "../../support/memory-stores.ts";

export const START_MS = 1_800_000_000_000;
export const ADMIN_TOKEN = "operator-token-for-tests";
export const ADMIN: Principal = { kind: "admin" };

/** What is checked by calls is no matter of the registry's own tests. */
function nobodyIsCalled(): never {
  throw new Error("the registry calls nobody");
}

/** A clock that stands until it is told to move. */
export interface HeldClock extends Clock {
  advance(ms: number): void;
}

export function createHeldClock(): HeldClock {
  let steadyMs = 0;
  return {
    nowUnixMs: () => START_MS + steadyMs,
    steadyMs: () => steadyMs,
    advance(ms) {
      steadyMs += ms;
    },
  };
}

export interface LogLine {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export function createKeptLog(): { readonly logger: Logger; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const keep = (event: string, fields?: Readonly<Record<string, unknown>>): void => {
    lines.push({ event, fields });
  };
  return { logger: { debug: keep, info: keep, warn: keep, error: keep }, lines };
}

export interface RegistryFixture {
  readonly registry: Registry;
  readonly api: RegistryApi;
  readonly stores: Stores;
  readonly clock: HeldClock;
  readonly logLines: readonly LogLine[];
  /** Another registry over the same stores and clock: the hub after a restart. */
  restarted(changes?: Partial<RegistryDeps>): RegistryFixture;
  /** Lets an agent in by an invite of its own. */
  join(agentId: string, profile?: ProfilePatch, granted?: readonly string[]): Promise<Joined>;
}

export function createFixture(changes: Partial<RegistryDeps> = {}): RegistryFixture {
  const clock = createHeldClock();
  return fixtureOver(createMemoryStores(), clock, changes);
}

function fixtureOver(stores: Stores, clock: HeldClock, changes: Partial<RegistryDeps>): RegistryFixture {
  const { logger, lines } = createKeptLog();
  const registry = createRegistry({
    stores,
    clock,
    logger,
    hubId: "hub.test",
    publicUrl: () => "http://hub.test",
    adminToken: ADMIN_TOKEN,
    jwtSecret: undefined,
    limits: { plan: "open", attemptsPerMinute: 5 },
    counts: newCounts().attempts,
    ...changes,
  });
  const api = createRegistryApi(registry, new ProfileChecks(nobodyIsCalled));
  return {
    registry,
    api,
    stores,
    clock,
    logLines: lines,
    restarted: (more = {}) => fixtureOver(stores, clock, { ...changes, ...more }),
    async join(agentId, profile, granted = []) {
      const { nonce } = await api.createInvite(callAs(ADMIN), { capabilities: granted });
      return api.join(callAs(ANONYMOUS), { nonce, agentId, ...(profile === undefined ? {} : { profile }) });
    },
  };
}

export function callAs(principal: Principal, remoteAddress = "192.0.2.1"): Call {
  return { principal, signal: new AbortController().signal, remoteAddress };
}

/** The agent as a caller that came with this API key. */
export function asAgent(agentId: string, apiKey = "mk_any"): AgentPrincipal {
  const credential = { keyHash: digestFromCredential(apiKey).hex, kid: undefined };
  return { kind: "agent", agentId, credential, expiresUnixMs: undefined };
}

/** The code that the call is refused with. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown ? thrown.code : thrown;
  }
  return "no error";
}
