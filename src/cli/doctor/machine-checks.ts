import { type Finding, fail, ok, reasonOf, warn } from "./finding.ts";

const LEAST_NODE: readonly [number, number] = [22, 18];
/** The year in which the first hub ran: a clock before that was never set. */
const LEAST_UNIX_MS = Date.UTC(2025, 0, 1);

/** The Node that runs this is the one that runs the hub. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return ok("node", version);
  return fail("node", `${version} cannot run the hub`, "install Node 22.18 or newer");
}

/** A clock that was never set, or that stands before what was last written. */
export function checkClock(nowUnixMs: number, lastWriteUnixMs: number | undefined): Finding {
  const now = new Date(nowUnixMs).toISOString();
  if (nowUnixMs < LEAST_UNIX_MS)
    return fail("clock", `it says ${now}`, "set the clock: expiry and tokens need it");
  if (lastWriteUnixMs !== undefined && lastWriteUnixMs > nowUnixMs + 60_000) {
    const written = new Date(lastWriteUnixMs).toISOString();
    return warn(
      "clock",
      `it says ${now}, but the data was written at ${written}`,
      "set the clock, or let it be set",
    );
  }
  return ok("clock", now);
}

/** Who serves the HTTP port. */
export async function checkListener(wanted: "auto" | "uws" | "node"): Promise<Finding> {
  if (wanted === "node") return ok("listener", "Node's own, as MESHKORE_LISTENER says");
  const { loadUws } = await import("../../offline.ts");
  try {
    loadUws();
    return ok("listener", "uWebSockets.js loads");
  } catch (thrown) {
    const why = `uWebSockets.js: ${reasonOf(thrown)}`;
    if (wanted === "auto") return warn("listener", why, "nothing to do: Node's own listener serves, slower");
    return fail("listener", why, "set MESHKORE_LISTENER to auto or node");
  }
}
