import type { Socket } from "node:net";
import { type Door, openDoor } from "../door.ts";
import type { Target } from "../target.ts";

/** Connections that take their time, or say nothing at all. The hub has to end them; nobody else ends them before that. */
export interface SlowScenario {
  readonly name: string;
  readonly connections: number;
  /** All are gone by then. */
  readonly withinMs: number;
  readonly door: (target: Target) => Door | undefined;
  /** Called on each connection. What is started here ends with the socket. */
  readonly begin: (socket: Socket, target: Target) => void;
}

export interface SlowResult {
  readonly name: string;
  readonly opened: number;
  /** Still open when the time was up. */
  readonly left: number;
  readonly lastClosedMs: number;
}

const AT_ONCE = 200;

/** Opens the connections of a scenario and waits until the hub has ended all, or the time is up. */
export async function playSlowly(scenario: SlowScenario, target: Target): Promise<SlowResult | undefined> {
  const door = scenario.door(target);
  if (door === undefined) return undefined;
  const fromMs = performance.now();
  const sockets: Socket[] = [];
  let closed = 0;
  let lastClosedMs = 0;
  const allClosed = Promise.withResolvers<void>();
  const open = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = openDoor(door, () => {
        scenario.begin(socket, target);
        resolve();
      });
      sockets.push(socket);
      // A reset is one of the ways in which a hub may end it.
      socket.on("error", () => resolve());
      socket.once("close", () => {
        closed += 1;
        lastClosedMs = performance.now() - fromMs;
        if (closed === scenario.connections) allClosed.resolve();
      });
    });
  for (let opened = 0; opened < scenario.connections; opened += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, scenario.connections - opened) }, open));
  }
  const late = setTimeout(allClosed.resolve, scenario.withinMs);
  await allClosed.promise;
  clearTimeout(late);
  const left = scenario.connections - closed;
  for (const socket of sockets) socket.destroy();
  return { name: scenario.name, opened: sockets.length, left, lastClosedMs: Math.round(lastClosedMs) };
}

/** Writes the bytes one by one, and from the beginning again, until the connection ends. */
export function drip(socket: Socket, bytes: Uint8Array, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    socket.write(bytes.subarray(at % bytes.length, (at % bytes.length) + 1));
    at += 1;
  }, everyMs);
  socket.once("close", () => clearInterval(timer));
}
