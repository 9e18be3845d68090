import { MeshError } from "../model/errors.ts";
import { requireAdmin } from "../model/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { OperatorApi } from "./operator-api.ts";

export interface OperatorApiDeps {
  readonly registry: Pick<Registry, "rotateKey" | "rotateTokenSecret">;
}

/** Binds what the operator may do. */
export function createOperatorApi({ registry }: OperatorApiDeps): OperatorApi {
  const unbuilt = async ({ principal }: Parameters<OperatorApi["activity"]>[0]): Promise<never> => {
    requireAdmin(principal);
    throw new MeshError("unimplemented", "not built yet", { hint: "it comes with the operations" });
  };
  return {
    activity: unbuilt,
    async rotateTokenSecret({ principal }, { revokeNow }) {
      requireAdmin(principal);
      return registry.rotateTokenSecret({ revokeNow });
    },
    async resetAgentKey({ principal }, agentId) {
      requireAdmin(principal);
      const { apiKey } = await registry.rotateKey(agentId, { revokeNow: true });
      return { apiKey };
    },
    eraseAgent: unbuilt,
    createBackup: unbuilt,
  };
}
