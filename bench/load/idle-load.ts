import { setTimeout } from "node:timers/promises";
import { HubSocket, type HubSocketEvents } from "../hub-socket.ts";
import { openAll } from "./open-all.ts";
import { residentBytes } from "./resident-bytes.ts";
import type { IdleSpec, LoadResult } from "./spec.ts";

/** Opens many sessions that say nothing, and looks at the memory of the hub before, with them, and after a rest. */
export async function runIdleLoad(spec: IdleSpec): Promise<LoadResult> {
  const faults: string[] = [];
  for (const session of await openSessions(spec, spec.warmUp, faults)) session.close();
  await setTimeout(spec.restMs);
  const before = residentBytes(spec.serverPid);
  const fromMs = performance.now();
  const sessions = await openSessions(spec, spec.sessions, faults);
  const openedMs = performance.now() - fromMs;
  await setTimeout(spec.restMs);
  const after = residentBytes(spec.serverPid);
  for (const session of sessions) session.close();
  return {
    metrics: {
      session_kib: (after - before) / spec.sessions / 1024,
      before_mib: before / 1024 / 1024,
      after_mib: after / 1024 / 1024,
      opened_per_s: spec.sessions / (openedMs / 1000),
    },
    faults,
  };
}

function openSessions(spec: IdleSpec, count: number, faults: string[]): Promise<HubSocket[]> {
  const fault = (text: string): void => {
    if (faults.length < 10) faults.push(text);
  };
  const events: HubSocketEvents = {
    result: () => fault("a result without a send"),
    delivery: () => fault("a delivery without a message"),
    acked: () => fault("an acknowledgement of nothing"),
    refused: fault,
    turn: () => undefined,
    failed: (error) => fault(error.message),
  };
  const logins = Array.from({ length: count }, (_, at) => spec.logins[at % spec.logins.length]);
  return openAll(logins, (login) => HubSocket.open(spec.port, login?.token ?? "", events));
}
