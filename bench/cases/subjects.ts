import { join } from "node:path";
import type { RunContext } from "../case.ts";
import { type Hub, type HubOptions, startHub } from "../hub.ts";
import type { LoadResult } from "../load/spec.ts";
import { type NatsServer, startNatsServer } from "../peers/nats-server.ts";

/** Node's own server in place of uWebSockets.js on the HTTP port. */
export const NODE_LISTENER = { MESHKORE_LISTENER: "node" };

/** A fresh hub for one measurement; stopped by SIGTERM, which is also what writes its profile. */
export async function withHub(
  context: RunContext,
  durability: HubOptions["durability"],
  measure: (hub: Hub) => Promise<LoadResult>,
  env: HubOptions["env"] = {},
): Promise<LoadResult> {
  const hub = await startHub({
    env,
    dataDirectory: join(context.directory, "hub"),
    durability,
    profileDirectory: context.profileDirectory,
  });
  try {
    return await measure(hub);
  } finally {
    await hub.child.stop();
  }
}

export async function withNats(
  context: RunContext,
  measure: (nats: NatsServer) => Promise<LoadResult>,
): Promise<LoadResult> {
  const nats = await startNatsServer(context.natsServer, join(context.directory, "nats"));
  try {
    return await measure(nats);
  } finally {
    await nats.child.stop();
  }
}
