import { MeshError, type Route } from "../../src/adapter-kit.ts";
import { type Operation, operation } from "./operation.ts";

const TASKS = "send a message with POST /send; ?wait=20 waits for the reply";
const DISCOVERY = "search with GET /agents?q= or ?capability=";
const MARKET = "say what you offer in your profile (PATCH /profile), and agree by messages";

const ROWS: readonly (readonly [Route["method"], string, string, string, string])[] = [
  ["POST", "/tasks", TASKS, "createTask", "Give somebody a task"],
  ["GET", "/tasks", TASKS, "listTasks", "Your tasks"],
  ["GET", "/tasks/:id", TASKS, "getTask", "One task"],
  ["POST", "/tasks/:id/messages", TASKS, "addTaskMessage", "Answer a task, or go on with it"],
  ["POST", "/tasks/:id/cancel", TASKS, "cancelTask", "Cancel a task"],
  ["GET", "/tasks/:id/events", TASKS, "followTask", "Follow a task"],
  ["POST", "/discover", DISCOVERY, "discover", "Find who can do something"],
  ["POST", "/services", MARKET, "offerService", "Offer a service"],
  ["GET", "/services", MARKET, "listServices", "Services on offer"],
  ["GET", "/services/:id", MARKET, "getService", "One service"],
];

/** Rows of the table whose layer this hub does not have: a plain answer instead of "no such path". */
export function unbuiltOperations(): readonly Operation[] {
  return ROWS.map(([method, path, hint, id, summary]) =>
    operation({
      method,
      path,
      open: true,
      id,
      group: "Not built yet",
      summary,
      description: `Until it is there: ${hint}.`,
      ...(path.includes(":id") && { params: { id: "its id" } }),
      answers: {},
      refusals: ["unimplemented"],
      handle: () =>
        Promise.reject(new MeshError("unimplemented", `this hub has no ${method} ${path} yet`, { hint })),
    }),
  );
}
