import { MeshError } from "../model/errors.ts";
import { requireAdmin } from "../model/principal.ts";
import type { OperatorApi } from "./operator-api.ts";

/** Binds what the operator may do. */
export function createOperatorApi(): OperatorApi {
  const unbuilt = async ({ principal }: Parameters<OperatorApi["activity"]>[0]): Promise<never> => {
    requireAdmin(principal);
    throw new MeshError("unimplemented", "not built yet", { hint: "it comes with the operations" });
  };
  return {
    activity: unbuilt,
    rotateTokenSecret: unbuilt,
    resetAgentKey: unbuilt,
    eraseAgent: unbuilt,
    createBackup: unbuilt,
  };
}
