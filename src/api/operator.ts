import type { Activity } from "../core/activity.ts";
import { MeshError } from "../model/errors.ts";
import { requireAdmin } from "../model/principal.ts";
import type { Backups } from "../ports/backups.ts";
import type { Registry } from "../registry/registry.ts";
import type { OperatorApi } from "./operator-api.ts";

export interface OperatorParts {
  readonly activity: (limit: number | undefined) => Promise<Activity>;
  readonly backups: Backups;
}

export interface OperatorApiDeps extends OperatorParts {
  readonly registry: Pick<Registry, "rotateKey" | "rotateTokenSecret">;
}

/** Binds what the operator may do. */
export function createOperatorApi({ activity, backups, registry }: OperatorApiDeps): OperatorApi {
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
    async eraseAgent({ principal }) {
      requireAdmin(principal);
      throw new MeshError("unimplemented", "not built yet", { hint: "it comes with the operations" });
    },
    async createBackup({ principal }, { name }) {
      requireAdmin(principal);
      return backups.create(name);
    },
  };
}
