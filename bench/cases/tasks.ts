import {
  type BenchCase,
  CLIENT_CPU,
  OTHERS_CPU,
  P50,
  P99,
  RATE,
  type RunContext,
  SERVER_CPU,
  type Subject,
} from "../case.ts";
import { joinAgents } from "../hub-admin.ts";
import type { TasksSpec } from "../load/spec.ts";
import { runLoadClient } from "../load-client.ts";
import { withHub } from "./subjects.ts";

const CALLERS = 16;
const REST_MS = 3000;

type Dialect = TasksSpec["dialect"];
type Mode = TasksSpec["mode"];

/** Tasks of each measurement, before the clock starts and while it runs. */
const COUNTS: Readonly<Record<Mode, { warmUp: number; count: number }>> = {
  give: { warmUp: 500, count: 4000 },
  stream: { warmUp: 50, count: 400 },
  hold: { warmUp: 200, count: 4000 },
};

export const tasks: BenchCase = {
  name: "tasks",
  title: "tasks: what A2A costs over the native path",
  notes: [
    "`give`: 16 callers, one call in flight each, a text of 512 bytes: POST /tasks against A2A's SendMessage (JSON-RPC, returnImmediately). `stream`: the same callers give a task and follow it: POST /tasks and GET /tasks/:id/events against SendStreamingMessage; the worker sends 10 pieces of an artifact and the end over REST in both. The figures are per task. `hold`: memory of the hub by 4,000 streams of a task each that are open and at rest: GET /tasks/:id/events against SubscribeToTask.",
    "The client is Node's own for both, in one process, and takes part in every rate; `server CPU` is what the hub alone took.",
  ],
  metrics: [
    RATE,
    P50,
    P99,
    SERVER_CPU,
    CLIENT_CPU,
    OTHERS_CPU,
    { key: "stream_kib", title: "memory of a stream", unit: "KiB" },
    { key: "opened_per_s", title: "opened", unit: "/s" },
  ],
  subjects: (["give", "stream", "hold"] as const).flatMap((mode) => [
    subject("rest", mode),
    subject("a2a", mode),
  ]),
  ratios: [
    { of: "give, a2a", by: "give, rest", key: "rate_per_s" },
    { of: "give, a2a", by: "give, rest", key: "server_cpu_us" },
    { of: "stream, a2a", by: "stream, rest", key: "rate_per_s" },
    { of: "stream, a2a", by: "stream, rest", key: "server_cpu_us" },
    { of: "hold, a2a", by: "hold, rest", key: "stream_kib" },
  ],
};

function subject(dialect: Dialect, mode: Mode): Subject {
  const run = (context: RunContext) =>
    withHub(context, "process", async (hub) => {
      const callers = await joinAgents(hub, "caller", CALLERS);
      const workers = await joinAgents(hub, "worker", CALLERS);
      const { warmUp, count } = COUNTS[mode];
      const scale = context.quick ? 0.1 : 1;
      return runLoadClient({
        load: "tasks",
        ...{ port: hub.port, dialect, mode, callers, workers, pieces: 10, restMs: REST_MS },
        warmUp: Math.round(warmUp * scale),
        count: Math.round(count * scale),
        serverPid: hub.child.pid,
      });
    });
  return { name: `${mode}, ${dialect}`, run };
}
