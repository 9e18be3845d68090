import { Few } from "../model/few.ts";
import { type AgentPrincipal, unauthenticated } from "../model/principal.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  CredentialEnd,
  CredentialWatch,
  OpenedWith,
  WatchedCredential,
} from "../ports/credential-watch.ts";
import { Deadlines, type Ending } from "./deadlines.ts";

export interface CredentialWatchDeps {
  readonly clock: Clock;
  /** The principal as it is now, undefined when its credential has ended. @throws MeshError unavailable */
  readonly confirm: (principal: AgentPrincipal) => Promise<AgentPrincipal | undefined>;
}

/**
 * The watch, and how the registry tells it what ended, always after that is durable. What is watched is bounded by
 * what is open: one for each live delivery and each wait.
 */
export class OwnCredentialWatch implements CredentialWatch {
  readonly #deps: CredentialWatchDeps;
  readonly #watchedOf = new Map<string, Few<Watched>>();
  readonly #deadlines: Deadlines<Watched>;

  constructor(deps: CredentialWatchDeps) {
    this.#deps = deps;
    this.#deadlines = new Deadlines(deps.clock, (watched) => this.#end(watched, "expired"));
  }

  async watch(principal: AgentPrincipal): Promise<WatchedCredential> {
    const watched = new Watched(this, principal);
    // Before it is confirmed: what ends from here on is noted, what ended before is found by asking.
    this.#add(watched);
    try {
      const confirmed = await this.#deps.confirm(principal);
      if (confirmed === undefined || watched.hasEnded) throw unauthenticated();
      this.#endAt(watched, confirmed.expiresUnixMs ?? Number.POSITIVE_INFINITY);
    } catch (thrown) {
      this.remove(watched);
      throw thrown;
    }
    return watched;
  }

  /** All keys of the agent but one end at this moment, unless they end before. */
  keysEnd(agentId: string, keptKeyHash: string, atUnixMs: number): void {
    const isNow = atUnixMs <= this.#deps.clock.nowUnixMs();
    for (const watched of this.#of(agentId)) {
      if (watched.principal.credential.keyHash === keptKeyHash) continue;
      if (isNow) this.#end(watched, "revoked");
      else this.#endAt(watched, atUnixMs);
    }
  }

  /** No token is valid any more but those of this secret. */
  tokensEnd(keptKid: string): void {
    for (const agentId of [...this.#watchedOf.keys()]) {
      for (const watched of this.#of(agentId)) {
        const { kid } = watched.principal.credential;
        if (kid !== undefined && kid !== keptKid) this.#end(watched, "revoked");
      }
    }
  }

  agentEnds(agentId: string): void {
    for (const watched of this.#of(agentId)) this.#end(watched, "revoked");
  }

  /** A copy: ending one changes the set. */
  #of(agentId: string): readonly Watched[] {
    return [...(this.#watchedOf.get(agentId) ?? [])];
  }

  #add(watched: Watched): void {
    const { agentId } = watched.principal;
    const ofAgent = this.#watchedOf.get(agentId) ?? new Few<Watched>();
    ofAgent.add(watched);
    this.#watchedOf.set(agentId, ofAgent);
    this.#deadlines.add(watched);
  }

  /** For what is watched itself. */
  remove(watched: Watched): void {
    const { agentId } = watched.principal;
    const ofAgent = this.#watchedOf.get(agentId);
    ofAgent?.delete(watched);
    if (ofAgent?.size === 0) this.#watchedOf.delete(agentId);
    this.#deadlines.delete(watched);
  }

  #end(watched: Watched, why: CredentialEnd): void {
    this.remove(watched);
    watched.end(why);
  }

  #endAt(watched: Watched, atUnixMs: number): void {
    if (atUnixMs >= watched.expiresUnixMs) return;
    watched.expiresUnixMs = atUnixMs;
    this.#deadlines.add(watched);
  }
}

class Watched implements WatchedCredential, Ending {
  readonly principal: AgentPrincipal;
  readonly #watch: OwnCredentialWatch;
  expiresUnixMs: number;
  hasEnded = false;
  opened: OpenedWith | undefined;

  constructor(watch: OwnCredentialWatch, principal: AgentPrincipal) {
    this.#watch = watch;
    this.principal = principal;
    this.expiresUnixMs = principal.expiresUnixMs ?? Number.POSITIVE_INFINITY;
  }

  end(why: CredentialEnd): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.opened?.end(why);
  }

  stop(): void {
    if (!this.hasEnded) this.#watch.remove(this);
  }
}
