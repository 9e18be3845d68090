import { randomBytes } from "node:crypto";
import { MeshError } from "../model/errors.ts";
import type { Principal } from "../model/principal.ts";
import type { Clock } from "../ports/clock.ts";
import type { Directory } from "../ports/directory.ts";
import type { InviteRecord, InviteStore } from "../ports/invite-store.ts";
import type { Logger } from "../ports/logger.ts";
import type { Attempts } from "./attempts.ts";
import { checkCapabilities, INVITE_CAPABILITY } from "./profile.ts";

export interface Invite {
  readonly nonce: string;
  readonly url: string;
  readonly expiresUnixMs: number;
  readonly maxUses: number;
  readonly uses: number;
  readonly capabilities: readonly string[];
  readonly createdBy: string;
}

export interface NewInvite {
  /** 1…10,000; absent = 1. */
  readonly maxUses?: number;
  /** 1 second…365 days; absent = 24 hours. */
  readonly expiresInS?: number;
  /** Who joins by the invite gets these beside its own. */
  readonly capabilities?: readonly string[];
}

/**
 * Invites: a nonce of 128 random bits for whoever holds it. The operator makes them, and agents that have the
 * capability `invite`, which nobody can give but the operator, in an invite of its own: agents cannot take it
 * themselves and cannot pass it on.
 */
export interface Invites {
  /** @throws MeshError invalid_argument, permission_denied */
  create(principal: Principal, input: NewInvite): Promise<Invite>;
  /** Newest first, without revoked ones: all for the operator, an agent's own for an agent. */
  list(principal: Principal): Promise<readonly Invite[]>;
  /** Revoking again does nothing. @throws MeshError not_found, also for another agent's invite */
  revoke(principal: Principal, nonce: string): Promise<void>;
  /** A usable one. @throws MeshError not_found, gone; rate_limited after too many wrong nonces */
  describe(nonce: string, remoteAddress: string): Promise<Invite>;
}

const NONCE_BYTES = 16;
const NONCE = /^[A-Za-z0-9_-]{22}$/;
const MAX_USES = 10_000;
const DEFAULT_EXPIRES_IN_S = 86_400;
const MAX_EXPIRES_IN_S = 365 * 86_400;
/** The operator's name where an agent's id stands; no agent can have it. */
const OPERATOR = "admin";

export function createInvites(deps: {
  readonly invites: InviteStore;
  readonly directory: Directory;
  readonly attempts: Attempts;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly publicUrl: () => string;
}): Invites {
  const { invites, directory, attempts, clock, logger, publicUrl } = deps;

  function view(record: InviteRecord): Invite {
    const { nonce, expiresUnixMs, maxUses, uses, capabilities, createdBy } = record;
    return {
      nonce,
      url: `${publicUrl()}/join/${nonce}`,
      expiresUnixMs,
      maxUses,
      uses,
      capabilities,
      createdBy,
    };
  }

  return {
    async create(principal, input) {
      const { maxUses = 1, expiresInS = DEFAULT_EXPIRES_IN_S } = input;
      checkWhole("max_uses", maxUses, MAX_USES);
      checkWhole("expires_in_s", expiresInS, MAX_EXPIRES_IN_S);
      const capabilities = checkCapabilities(input.capabilities ?? []);
      await checkMayInvite(principal, directory, capabilities);
      const createdUnixMs = clock.nowUnixMs();
      const record: InviteRecord = {
        nonce: randomBytes(NONCE_BYTES).toString("base64url"),
        createdBy: creatorFrom(principal),
        createdUnixMs,
        expiresUnixMs: createdUnixMs + expiresInS * 1_000,
        maxUses,
        uses: 0,
        revoked: false,
        capabilities,
      };
      await invites.create(record);
      logger.info("invite.created", { createdBy: record.createdBy, maxUses, expiresInS });
      return view(record);
    },
    async list(principal) {
      const records = await invites.list(principal.kind === "admin" ? undefined : creatorFrom(principal));
      return records.filter(({ revoked }) => !revoked).map(view);
    },
    async revoke(principal, nonce) {
      const record = NONCE.test(nonce) ? await invites.find(nonce) : undefined;
      const isOwn = principal.kind === "admin" || record?.createdBy === creatorFrom(principal);
      if (record === undefined || !isOwn) throw unknownNonce();
      if (record.revoked) return;
      await invites.revoke(nonce);
      logger.info("invite.revoked", { createdBy: record.createdBy });
    },
    async describe(nonce, remoteAddress) {
      attempts.checkAllowed(remoteAddress);
      const record = NONCE.test(nonce) ? await invites.find(nonce) : undefined;
      if (record === undefined) throw attempts.wrong(remoteAddress, unknownNonce());
      const isUsable =
        !record.revoked && record.uses < record.maxUses && record.expiresUnixMs > clock.nowUnixMs();
      if (!isUsable) throw spentNonce();
      return view(record);
    },
  };
}

export function unknownNonce(): MeshError {
  return new MeshError("not_found", "there is no such invite", {
    hint: "check that the URL is complete, or ask who invited you for a new one",
  });
}

export function spentNonce(): MeshError {
  return new MeshError("gone", "this invite is used up, expired or revoked", {
    hint: "ask who invited you for a new one",
  });
}

/** @throws MeshError permission_denied */
async function checkMayInvite(
  principal: Principal,
  directory: Directory,
  capabilities: readonly string[],
): Promise<void> {
  if (principal.kind === "admin") return;
  const agent = principal.kind === "agent" ? await directory.lookup(principal.agentId) : undefined;
  if (agent?.profile.capabilities.includes(INVITE_CAPABILITY) !== true) {
    throw new MeshError("permission_denied", "this agent may not invite others", {
      hint: `ask the operator; agents that joined by an invite with the capability "${INVITE_CAPABILITY}" may`,
    });
  }
  if (capabilities.includes(INVITE_CAPABILITY)) {
    throw new MeshError(
      "permission_denied",
      `only the operator gives the capability "${INVITE_CAPABILITY}"`,
      {
        hint: "leave it out of the invite",
      },
    );
  }
}

function creatorFrom(principal: Principal): string {
  return principal.kind === "agent" ? principal.agentId : OPERATOR;
}

function checkWhole(field: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new MeshError("invalid_argument", `${field} is out of bounds`, {
    hint: `give a whole number from 1 to ${most}`,
  });
}
