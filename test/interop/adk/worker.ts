import { openA2aRemote } from "../../support/a2a-remote.ts";
import type { TestAgent, TestHub } from "../../support/hub.ts";
import { startRestWorker, startSocketWorker, type TaskWorker, type Turn } from "../../support/task-worker.ts";
import { openAdkRemote } from "./adk-remote.ts";
import { createScript, Gate } from "./script.ts";

/** Who works behind the hub: by REST alone, on a WebSocket, on the official A2A server, on ADK's own. */
export const KINDS = ["rest", "socket", "remote", "adk"] as const;
export type Kind = (typeof KINDS)[number];

/** An agent of the hub and who works for it; it is there, and can go and come back. */
export interface Worker extends AsyncDisposable {
  readonly agent: TestAgent;
  /** Holds whoever works on "hold". */
  readonly gate: Gate;
  /** What was given to those who work through the hub itself. */
  readonly turns: readonly Turn[];
  leave(): Promise<void>;
  come(): Promise<void>;
}

export async function openWorker(hub: TestHub, kind: Kind, profile: object = {}): Promise<Worker> {
  const gate = new Gate();
  if (kind === "rest" || kind === "socket") return openMember(hub, { kind, gate, profile });
  const remote =
    kind === "adk"
      ? await openAdkRemote(gate)
      : await openA2aRemote({ version: "1.0", streaming: true }).then((open) => {
          gate.onRelease = () => open.release();
          return open;
        });
  const reach = { a2a: { card_url: remote.cardUrl } };
  const agent = await hub.join(`${kind}-${newNumber()}`, { profile: { ...profile, reach } });
  return {
    ...{ agent, gate, turns: [] },
    leave: () => remote.stop(),
    come: () => remote.start(),
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  };
}

interface Member {
  readonly kind: "rest" | "socket";
  readonly gate: Gate;
  readonly profile: object;
}

async function openMember(hub: TestHub, { kind, gate, profile }: Member): Promise<Worker> {
  const agent = await hub.join(`${kind}-${newNumber()}`, { profile });
  const turns: Turn[] = [];
  const script = createScript(gate, turns);
  let working: TaskWorker | undefined;
  const leave = async (): Promise<void> => {
    await working?.[Symbol.asyncDispose]();
    const faults = working?.faults ?? [];
    working = undefined;
    if (faults.length > 0) throw new AggregateError(faults, `${agent.agentId} did not work well`);
  };
  const come = async (): Promise<void> => {
    working = kind === "rest" ? startRestWorker(agent, script) : await startSocketWorker(hub, agent, script);
  };
  await come();
  return { agent, gate, turns, leave, come, [Symbol.asyncDispose]: leave };
}

let last = 0;

function newNumber(): number {
  last += 1;
  return last;
}
