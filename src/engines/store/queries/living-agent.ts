import type { Transaction } from "kysely";
import { MeshError } from "../../../model/errors.ts";
import type { Database } from "../schema.ts";

/**
 * Holds the agent's row until the transaction ends, so that a removal comes before or after it, never in between.
 * An update that changes nothing is the lock that both dialects have.
 * @throws MeshError not_found when there is no living agent of this id
 */
export async function holdLivingAgent(trx: Transaction<Database>, agentId: string): Promise<void> {
  const held = await trx
    .updateTable("agents")
    .set((eb) => ({ plan: eb.ref("plan") }))
    .where("agent_id", "=", agentId)
    .where("deleted_ms", "is", null)
    .executeTakeFirst();
  if (held.numUpdatedRows === 0n) throw noSuchAgent(agentId);
}

export function noSuchAgent(agentId: string): MeshError {
  return new MeshError("not_found", `no agent ${JSON.stringify(agentId.slice(0, 80))}`, {
    hint: "GET /agents lists the agents of this hub",
  });
}
