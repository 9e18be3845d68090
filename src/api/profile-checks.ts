import { isDeepStrictEqual } from "node:util";
import type { JsonObject, JsonValue } from "../model/json.ts";
import type { OutboundHttp } from "../ports/outbound-http.ts";

/** With all that a check fetches. */
const MOST_MS = 30_000;

/** What an agent wants one further field of its profile to say. */
export interface ProfileClaim {
  readonly agentId: string;
  readonly value: JsonValue;
  /** What the field says now. */
  readonly held: JsonValue | undefined;
  /** As the agent gave it when it joined. */
  readonly publicKey: string | undefined;
}

export interface ProfileCheckDeps {
  /** In the agent's name. */
  readonly http: OutboundHttp;
  readonly signal: AbortSignal;
}

/** @throws MeshError when the profile is not to say so */
export type ProfileCheck = (claim: ProfileClaim, deps: ProfileCheckDeps) => Promise<void>;

/** Who makes a claim, and what is known of it. */
export interface Claimant {
  readonly agentId: string;
  readonly publicKey: string | undefined;
  /** Further fields as they are. */
  readonly held: JsonObject | undefined;
}

/** What adapters know of further fields of profiles that mean something to them. */
export class ProfileChecks {
  readonly #checks = new Map<string, ProfileCheck>();
  readonly #httpFor: (agentId: string) => OutboundHttp;

  /** @param httpFor calls out in the name of an agent */
  constructor(httpFor: (agentId: string) => OutboundHttp) {
    this.#httpFor = httpFor;
  }

  add(field: string, check: ProfileCheck): void {
    this.#checks.set(field, check);
  }

  /** Whether any of these fields is one that is checked: what is taken away needs no check. */
  concern(extra: JsonObject | undefined): boolean {
    return Object.entries(extra ?? {}).some(([field, value]) => value !== null && this.#checks.has(field));
  }

  /** What does not change is not checked again. @throws MeshError */
  async run(extra: JsonObject | undefined, claimant: Claimant, caller: AbortSignal): Promise<void> {
    const { agentId, publicKey, held } = claimant;
    for (const [field, value] of Object.entries(extra ?? {})) {
      const check = this.#checks.get(field);
      if (check === undefined || value === null || isDeepStrictEqual(value, held?.[field])) continue;
      const claim = { agentId, publicKey, value, held: held?.[field] };
      const signal = AbortSignal.any([caller, AbortSignal.timeout(MOST_MS)]);
      await check(claim, { http: this.#httpFor(agentId), signal });
    }
  }
}
