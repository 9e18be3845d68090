import { parseAddress } from "../model/address.ts";
import type { AccessMode } from "../model/agent.ts";
import { MeshError } from "../model/errors.ts";
import type { AccessRule, AccessStore } from "../ports/access-store.ts";
import type { OwnDirectory } from "./directory.ts";

/** Whom an agent blocks and allows. Whether the subject exists is not told. */
export interface AccessRules {
  /** Replaces the rule about the same subject. @throws MeshError invalid_argument, quota_exceeded */
  put(ownerId: string, rule: { readonly subject: string; readonly mode: AccessMode }): Promise<void>;
  list(ownerId: string): Promise<readonly AccessRule[]>;
  /** @throws MeshError not_found */
  remove(ownerId: string, subject: string): Promise<void>;
}

const MAX_RULES = 10_000;

export function createAccessRules(deps: {
  readonly access: AccessStore;
  readonly directory: OwnDirectory;
  readonly hubId: string;
}): AccessRules {
  const { access, directory, hubId } = deps;

  /** `bob` and `bob@this-hub` are one subject. */
  function subjectFrom(text: string): string {
    const address = parseAddress(text, hubId);
    if (address.kind === "agent") return address.agentId;
    if (address.kind === "remote") return `${address.agentId}@${address.hubId}`;
    throw new MeshError("invalid_argument", "a rule is about an agent, not about a channel", {
      hint: "name an agent id or agent@hub",
    });
  }

  return {
    async put(ownerId, { subject: text, mode }) {
      const subject = subjectFrom(text);
      if (subject === ownerId) {
        throw new MeshError("invalid_argument", "a rule is about others, not about yourself", {
          hint: "name another agent",
        });
      }
      const rules = await directory.rules(ownerId);
      if (rules.length >= MAX_RULES && !rules.some((rule) => rule.subject === subject)) {
        throw new MeshError("quota_exceeded", `an agent can have ${MAX_RULES} rules`, {
          hint: "remove rules that you need no more, or allow a few instead of blocking many",
        });
      }
      await access.put(ownerId, { subject, mode });
      directory.changed(ownerId, "access");
    },
    list: async (ownerId) => directory.rules(ownerId),
    async remove(ownerId, text) {
      const subject = subjectFrom(text);
      if (!(await access.remove(ownerId, subject))) {
        throw new MeshError("not_found", `there is no rule about ${JSON.stringify(subject)}`, {
          hint: "GET /blocks lists your rules",
        });
      }
      directory.changed(ownerId, "access");
    },
  };
}
