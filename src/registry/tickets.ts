import { randomBytes } from "node:crypto";
import { MeshError } from "../model/errors.ts";
import { type AgentPrincipal, type Credential, unauthenticated } from "../model/principal.ts";
import type { Clock } from "../ports/clock.ts";
import type { Attempts } from "./attempts.ts";
import { digestFromCredential } from "./credential-digest.ts";
import type { FindHolder } from "./holder.ts";

const PREFIX = "mkt_";
const TICKET_BYTES = 32;
const TICKET = /^mkt_[\w-]{43}$/;
const LIFE_MS = 60_000;
const MAX_OF_AGENT = 16;
const MAX_OF_ALL = 100_000;

/**
 * Tickets: `mkt_` and 256 random bits. One stands for the credential that it was made with, where that cannot be sent
 * in a header, so that no URL ever holds a credential that is worth something for longer. It is good once, for a minute,
 * and for nothing but opening a stream; only its SHA-256 is kept, in memory.
 */
export interface Tickets {
  /** @throws MeshError rate_limited when the agent has too many that are not used; unavailable when all together have */
  issue(principal: AgentPrincipal): { readonly ticket: string; readonly expiresUnixMs: number };
  /**
   * Spends the ticket. What it answers ends with the credential that the ticket was made with.
   * @throws MeshError unauthenticated; rate_limited after too many wrong ones (see Attempts); unavailable
   */
  redeem(ticket: string, remoteAddress: string): Promise<AgentPrincipal>;
}

interface Kept {
  readonly agentId: string;
  readonly credential: Credential;
  /** Of the credential. */
  readonly expiresUnixMs: number | undefined;
  readonly endsSteadyMs: number;
}

export function createTickets(deps: {
  readonly findHolder: FindHolder;
  readonly attempts: Attempts;
  readonly clock: Clock;
}): Tickets {
  const { findHolder, attempts, clock } = deps;
  /** By digest; all live equally long, so the first is the first to end. */
  const kept = new Map<string, Kept>();
  const countOf = new Map<string, number>();

  function take(digest: string): Kept | undefined {
    const found = kept.get(digest);
    if (found === undefined) return undefined;
    kept.delete(digest);
    const left = (countOf.get(found.agentId) ?? 1) - 1;
    if (left === 0) countOf.delete(found.agentId);
    else countOf.set(found.agentId, left);
    return found;
  }

  function forgetEnded(): void {
    const nowMs = clock.steadyMs();
    for (const [digest, { endsSteadyMs }] of kept) {
      if (endsSteadyMs > nowMs) return;
      take(digest);
    }
  }

  function checkRoom(agentId: string): void {
    if ((countOf.get(agentId) ?? 0) >= MAX_OF_AGENT) {
      throw new MeshError("rate_limited", `an agent has at most ${MAX_OF_AGENT} unused tickets`, {
        hint: "use those that you have, or wait until they end",
        retryAfterS: LIFE_MS / 1000,
      });
    }
    if (kept.size < MAX_OF_ALL) return;
    throw new MeshError("unavailable", "too many tickets are not used", { retryAfterS: 5 });
  }

  return {
    issue({ agentId, credential, expiresUnixMs }) {
      forgetEnded();
      checkRoom(agentId);
      const ticket = PREFIX + randomBytes(TICKET_BYTES).toString("base64url");
      const endsSteadyMs = clock.steadyMs() + LIFE_MS;
      kept.set(digestFromCredential(ticket).hex, { agentId, credential, expiresUnixMs, endsSteadyMs });
      countOf.set(agentId, (countOf.get(agentId) ?? 0) + 1);
      return { ticket, expiresUnixMs: clock.nowUnixMs() + LIFE_MS };
    },
    async redeem(ticket, remoteAddress) {
      const found = TICKET.test(ticket) ? take(digestFromCredential(ticket).hex) : undefined;
      if (found === undefined) throw attempts.wrong(remoteAddress, wrongTicket());
      // It was right, so it is no guess: it came too late, or its credential has ended.
      if (found.endsSteadyMs <= clock.steadyMs()) throw wrongTicket();
      const holder = await findHolder(found.credential, found.expiresUnixMs);
      if (holder === undefined || (holder.expiresUnixMs ?? Number.POSITIVE_INFINITY) <= clock.nowUnixMs()) {
        throw unauthenticated();
      }
      return holder;
    },
  };
}

function wrongTicket(): MeshError {
  return new MeshError("unauthenticated", "no valid ticket", {
    hint: "a ticket is good once and for a minute: POST /tickets gives a new one",
  });
}
