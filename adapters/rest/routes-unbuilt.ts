import { MeshError, type Route } from "../../src/adapter-kit.ts";
import { type Operation, operation } from "./operation.ts";

const DISCOVERY = "search with GET /agents?q= or ?capability=";
const MARKET = "say what you offer in your profile (PATCH /profile), and agree by messages";

const ROWS: readonly (readonly [Route["method"], string, string, string, string])[] = [
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
