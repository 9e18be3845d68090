import { join } from "node:path";
import type { BenchCase, RunContext, Subject } from "../case.ts";
import { startHub } from "../hub.ts";
import { awaitHealthy, joinAgents } from "../hub-admin.ts";
import type { LoadResult } from "../load/spec.ts";
import { runLoadClient } from "../load-client.ts";

const SESSIONS = 19_000;
const WARM_UP = 200;
const REST_MS = 5000;
const FEW_AGENTS = 100;

export const idle: BenchCase = {
  name: "idle",
  title: "19,000 idle sessions",
  notes: [
    "Memory of an authenticated session over WebSocket (binary) that says nothing: the growth of the hub's whole resident memory (VmRSS) by 19,000 of them, divided by their number. The hub is started anew after the agents joined; before the first figure 200 sessions come and go and 5 s pass, before the second another 5 s. The garbage of opening them is in the figure, as far as the hub keeps it; the kernel's own buffers are not.",
    "`an agent each`: 19,000 agents. `100 agents`: 190 sessions of each.",
  ],
  metrics: [
    { key: "session_kib", title: "memory of a session", unit: "KiB" },
    { key: "before_mib", title: "before", unit: "MiB" },
    { key: "after_mib", title: "with all", unit: "MiB" },
    { key: "opened_per_s", title: "opened", unit: "/s" },
  ],
  subjects: [
    idleSessions("hub, an agent each", (sessions) => sessions),
    idleSessions("hub, 100 agents", () => FEW_AGENTS),
  ],
  ratios: [],
};

function idleSessions(name: string, agentsFor: (sessions: number) => number): Subject {
  const run = async (context: RunContext): Promise<LoadResult> => {
    const sessions = context.quick ? SESSIONS / 10 : SESSIONS;
    const options = {
      dataDirectory: join(context.directory, "hub"),
      durability: "process",
      profileDirectory: context.profileDirectory,
      env: { MESHKORE_SESSIONS_PER_AGENT: String(SESSIONS) },
    } as const;
    const earlier = await startHub({ ...options, profileDirectory: undefined });
    const logins = await joinAgents(earlier, "idle", agentsFor(sessions)).finally(() => earlier.child.stop());
    const hub = await startHub(options);
    try {
      await awaitHealthy(hub.port);
      const serverPid = hub.child.pid;
      const load = { load: "idle", port: hub.port, logins, warmUp: WARM_UP, restMs: REST_MS } as const;
      return await runLoadClient({ ...load, sessions, serverPid });
    } finally {
      await hub.child.stop();
    }
  };
  return { name, run };
}
