import type { Kysely, Transaction } from "kysely";
import type { EdgeRecord, TrafficStore } from "../../../ports/traffic-store.ts";
import type { Database } from "../schema.ts";
import { chunksOf } from "./chunks.ts";

export function createTrafficStore(db: Kysely<Database>): TrafficStore {
  return {
    async add(month, edges) {
      const sums = sumOfEdges(edges);
      if (sums.length === 0) return;
      await db.transaction().execute(async (trx) => {
        for (const chunk of chunksOf(sums)) await addEdges(trx, chunk);
        for (const chunk of chunksOf(sumOfSenders(sums))) await addToMonth(trx, month, chunk);
        await addToTotals(trx, sums);
      });
    },

    async sent(agentId, month) {
      const row = await db
        .selectFrom("traffic_months")
        .select("messages")
        .where("agent_id", "=", agentId)
        .where("month", "=", month)
        .executeTakeFirst();
      return Number(row?.messages ?? 0);
    },

    async edges(agentId, limit) {
      let query = db.selectFrom("traffic_edges").selectAll();
      if (agentId !== undefined) {
        query = query.where((eb) => eb.or([eb("from_id", "=", agentId), eb("to_id", "=", agentId)]));
      }
      const rows = await query.orderBy("messages", "desc").limit(limit).execute();
      return rows.map((row) => ({
        from: row.from_id,
        to: row.to_id,
        messages: Number(row.messages),
        bytes: Number(row.bytes),
        lastUnixMs: Number(row.last_ms),
      }));
    },

    async totals() {
      const row = await db.selectFrom("traffic_totals").selectAll().executeTakeFirst();
      return { messages: Number(row?.messages ?? 0), bytes: Number(row?.bytes ?? 0) };
    },
  };
}

/** One row an edge: a statement must not meet the same row twice. */
function sumOfEdges(edges: readonly EdgeRecord[]): readonly EdgeRecord[] {
  const sums = new Map<string, EdgeRecord>();
  for (const edge of edges) {
    const key = `${edge.from} ${edge.to}`;
    const before = sums.get(key);
    sums.set(key, {
      from: edge.from,
      to: edge.to,
      messages: edge.messages + (before?.messages ?? 0),
      bytes: edge.bytes + (before?.bytes ?? 0),
      lastUnixMs: Math.max(edge.lastUnixMs, before?.lastUnixMs ?? 0),
    });
  }
  // In one order for all, so that two nodes that add at once wait for each other instead of locking up.
  return [...sums.keys()].sort().flatMap((key) => sums.get(key) ?? []);
}

function sumOfSenders(edges: readonly EdgeRecord[]): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>();
  for (const edge of edges) sums.set(edge.from, edge.messages + (sums.get(edge.from) ?? 0));
  return [...sums];
}

async function addEdges(trx: Transaction<Database>, edges: readonly EdgeRecord[]): Promise<void> {
  await trx
    .insertInto("traffic_edges")
    .values(
      edges.map((edge) => ({
        from_id: edge.from,
        to_id: edge.to,
        messages: edge.messages,
        bytes: edge.bytes,
        last_ms: edge.lastUnixMs,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(["from_id", "to_id"]).doUpdateSet((eb) => ({
        messages: eb("traffic_edges.messages", "+", eb.ref("excluded.messages")),
        bytes: eb("traffic_edges.bytes", "+", eb.ref("excluded.bytes")),
        last_ms: eb
          .case()
          .when("excluded.last_ms", ">", eb.ref("traffic_edges.last_ms"))
          .then(eb.ref("excluded.last_ms"))
          .else(eb.ref("traffic_edges.last_ms"))
          .end(),
      })),
    )
    .execute();
}

async function addToMonth(
  trx: Transaction<Database>,
  month: string,
  senders: readonly (readonly [string, number])[],
): Promise<void> {
  await trx
    .insertInto("traffic_months")
    .values(senders.map(([agentId, messages]) => ({ agent_id: agentId, month, messages })))
    .onConflict((conflict) =>
      conflict.columns(["agent_id", "month"]).doUpdateSet((eb) => ({
        messages: eb("traffic_months.messages", "+", eb.ref("excluded.messages")),
      })),
    )
    .execute();
}

async function addToTotals(trx: Transaction<Database>, edges: readonly EdgeRecord[]): Promise<void> {
  let messages = 0;
  let bytes = 0;
  for (const edge of edges) {
    messages += edge.messages;
    bytes += edge.bytes;
  }
  await trx
    .updateTable("traffic_totals")
    .set((eb) => ({ messages: eb("messages", "+", messages), bytes: eb("bytes", "+", bytes) }))
    .where("id", "=", 1)
    .execute();
}
