import type { RunContext, Subject } from "../case.ts";
import type { Hub, HubOptions } from "../hub.ts";
import { joinAgents } from "../hub-admin.ts";
import type { JetStreamShape, LaneSpec, LoadResult, WindowSpec } from "../load/spec.ts";
import { runLoadClient } from "../load-client.ts";
import { withHub, withNats } from "./subjects.ts";

/** A sender and a receiver per lane, `window` messages in flight on each. */
export type WindowShape = Omit<WindowSpec, "load" | "lanes" | "serverPid"> & { lanes: number };

export function hubWindow(
  name: string,
  durability: HubOptions["durability"],
  shape: (context: RunContext) => WindowShape,
  env: HubOptions["env"] = {},
): Subject {
  return {
    name,
    run: (context) => withHub(context, durability, (hub) => runHubWindow(hub, shape(context)), env),
  };
}

export function jetStreamWindow(
  name: string,
  jetStream: JetStreamShape,
  shape: (context: RunContext) => WindowShape & { receive?: boolean },
): Subject {
  return {
    name,
    run: (context) =>
      withNats(context, ({ port, child }) => {
        const { lanes, receive = true, ...load } = shape(context);
        const lane: LaneSpec = { wire: "jetstream", port, shape: jetStream, receive };
        return runLoadClient({
          load: "window",
          lanes: Array(lanes).fill(lane),
          serverPid: child.pid,
          ...load,
        });
      }),
  };
}

export async function runHubWindow(hub: Hub, { lanes, ...load }: WindowShape): Promise<LoadResult> {
  const senders = await joinAgents(hub, "sender", lanes);
  const receivers = await joinAgents(hub, "receiver", lanes);
  const specs = senders.flatMap((sender, at): LaneSpec[] => {
    const receiver = receivers[at];
    return receiver === undefined ? [] : [{ wire: "hub", port: hub.port, sender, receiver, receive: true }];
  });
  return runLoadClient({ load: "window", lanes: specs, serverPid: hub.child.pid, ...load });
}
