import type { Activity } from "../core/activity.ts";
import type { Eraser } from "../core/erase.ts";
import { requireAdmin } from "../model/principal.ts";
import type { Backups } from "../ports/backups.ts";
import type { Registry } from "../registry/registry.ts";
import type { OperatorApi } from "./operator-api.ts";

export interface OperatorParts {
  readonly activity: (limit: number | undefined) => Promise<Activity>;
  readonly backups: Backups;
  readonly erase: Eraser["erase"];
}

export interface OperatorApiDeps extends OperatorParts {
  readonly registry: Pick<Registry, "rotateKey" | "rotateTokenSecret">;
}

/** Binds what the operator may do. */
export function createOperatorApi({ activity, backups, erase, registry }: OperatorApiDeps): OperatorApi {
  return {
    async activity({ principal }, { limit }) {
      requireAdmin(principal);
      return activity(limit);
    },
    async rotateTokenSecret({ principal }, { revokeNow }) {
      requireAdmin(principal);
      return registry.rotateTokenSecret({ revokeNow });
    },
    async resetAgentKey({ principal }, agentId) {
      requireAdmin(principal);
      const { apiKey } = await registry.rotateKey(agentId, { revokeNow: true });
      return { apiKey };
    },
    async eraseAgent({ principal }, agentId) {
      requireAdmin(principal);
      return erase(agentId);
    },
    async createBackup({ principal }, { name }) {
      requireAdmin(principal);
      return backups.create(name);
    },
  };
}
