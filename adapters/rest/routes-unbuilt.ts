import { MeshError, type Route } from "../../src/adapter-kit.ts";
import type { Operation } from "./inbound.ts";

const TASKS = "send a message with POST /send; ?wait=20 waits for the reply";
const DISCOVERY = "search with GET /agents?q= or ?capability=";
const MARKET = "say what you offer in your profile (PATCH /profile), and agree by messages";

const ROWS: readonly (readonly [Route["method"], string, string])[] = [
  ["POST", "/tasks", TASKS],
  ["GET", "/tasks", TASKS],
  ["GET", "/tasks/:id", TASKS],
  ["POST", "/tasks/:id/messages", TASKS],
  ["POST", "/tasks/:id/cancel", TASKS],
  ["GET", "/tasks/:id/events", TASKS],
  ["POST", "/discover", DISCOVERY],
  ["POST", "/services", MARKET],
  ["GET", "/services", MARKET],
  ["GET", "/services/:id", MARKET],
];

/** Rows of the table whose layer this hub does not have: a plain answer instead of "no such path". */
export function unbuiltOperations(): readonly Operation[] {
  return ROWS.map(([method, path, hint]) => ({
    method,
    path,
    open: true,
    handle: () =>
      Promise.reject(new MeshError("unimplemented", `this hub has no ${method} ${path} yet`, { hint })),
  }));
}
