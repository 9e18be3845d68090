import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { type CutNetwork, openCutNetwork } from "../../support/cut-network.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { scrape } from "../../support/prometheus-text.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import { until } from "../../support/until.ts";

const CLIENTS = fileURLToPath(new URL("vanishing-clients.ts", import.meta.url));
const WIRES = ["websocket", "sse", "grpc"] as const;
const ESTABLISHED = "01";
const LATER = ["1", "2", "3"];
/** The least that can be set. */
const SILENT_S = 8;
/** Half as much again, and what a busy machine adds. */
const NOTICED_MS = 40_000;

/** Runs the clients, one for each agent, and answers when each has its first message. */
async function connectClients(
  net: CutNetwork,
  hub: TestHub,
  agents: readonly TestAgent[],
): Promise<AsyncDisposable> {
  const tokens = agents.map(({ token }) => token).join(",");
  const [command = "", ...args] = [...net.onClients, process.execPath, CLIENTS];
  const child = spawn(command, [...args, hub.http, hub.grpc ?? "", tokens], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  let text = "";
  for (const out of [child.stdout, child.stderr]) {
    out.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
  }
  const isThere = () => WIRES.every((wire) => text.includes(`${wire} got "before"`));
  await until("the clients' first messages", isThere).catch((cause: unknown) => {
    child.kill("SIGKILL");
    throw new Error(`the clients wrote ${text}`, { cause });
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Connections of the clients that the hub's kernel takes for open. */
function openConnections(hub: TestHub, { clientsAddress }: CutNetwork): number {
  const reversed = clientsAddress.split(".").toReversed();
  const hex = reversed.map((part) => Number(part).toString(16).padStart(2, "0")).join("");
  const rows = readFileSync(`/proc/${hub.pid}/net/tcp`, "utf8").split("\n").slice(1);
  return rows.filter((row) => {
    const [, , remote = "", state] = row.trim().split(/\s+/);
    return remote.toLowerCase().startsWith(`${hex}:`) && state === ESTABLISHED;
  }).length;
}

async function send(to: TestAgent, payload: string): Promise<void> {
  const answer = await to.post("/send", { to: to.agentId, payload, receipts: false });
  expect(answer.status).toBe(202);
}

/** What a client that comes back is handed. */
async function handedAgain(hub: TestHub, { token }: TestAgent, count: number): Promise<string[]> {
  const got: string[] = [];
  const session = await SessionClient.open(
    hub.http,
    protoWire,
    { token },
    {
      delivered: (messages) => got.push(...messages.map(({ payload }) => JSON.parse(payload))),
    },
  );
  await until("what was not acknowledged", () => got.length >= count);
  await session.close();
  return got;
}

async function held(hub: TestHub, net: CutNetwork) {
  const { value } = await scrape(hub.http);
  return {
    deliveries: value("mesh_deliveries_open"),
    webSockets: value("mesh_sessions_open", { adapter: "websocket" }),
    grpc: value("mesh_sessions_open", { adapter: "grpc" }),
    events: value("mesh_streams_open", { adapter: "rest" }),
    connections: openConnections(hub, net),
  };
}

type Held = Awaited<ReturnType<typeof held>>;

async function untilHeld(hub: TestHub, net: CutNetwork, expected: Held): Promise<void> {
  let last: Held | undefined;
  const isSo = async () => {
    last = await held(hub, net);
    return isDeepStrictEqual(last, expected);
  };
  await until(`the hub to hold ${JSON.stringify(expected)}`, isSo, NOTICED_MS).catch(() =>
    expect(last).toEqual(expected),
  );
}

test.concurrent.each([
  [1, "auto"],
  [2, "node"],
])(
  "clients whose cable is cut are noticed and let go, and lose nothing (%i, %s)",
  {
    timeout: 120_000,
  },
  async (number, listener) => {
    using net = openCutNetwork(number);
    if (net === undefined) {
      console.warn("SKIPPED: cutting a wire needs root on Linux, and iproute2");
      return;
    }
    const env = {
      MESHKORE_HOST: net.hubAddress,
      MESHKORE_LISTENER: listener,
      MESHKORE_METRICS_ACCESS: "any",
      MESHKORE_SESSIONS_PER_AGENT: "1",
      MESHKORE_SILENT_CLIENT_S: String(SILENT_S),
    };
    await using hub = await startHub({ env, within: net.onHub });
    const agents = await Promise.all(WIRES.map((wire) => hub.join(`on-${wire}`)));
    for (const agent of agents) await send(agent, "before");
    await using _clients = await connectClients(net, hub, agents);
    expect(await held(hub, net)).toEqual({
      deliveries: 3,
      webSockets: 1,
      grpc: 1,
      events: 1,
      connections: 3,
    });

    net.cut();
    for (const text of LATER) await Promise.all(agents.map((agent) => send(agent, text)));
    // By their pings: the kernel would go on trying for a quarter of an hour.
    await untilHeld(hub, net, { deliveries: 1, webSockets: 0, grpc: 0, events: 1, connections: 1 });
    // Nothing pings an HTTP response: its end is the kernel's.
    net.shortenPatience();
    await untilHeld(hub, net, { deliveries: 0, webSockets: 0, grpc: 0, events: 0, connections: 0 });
    const all = ["before", ...LATER];
    for (const agent of agents) expect(await handedAgain(hub, agent, all.length)).toEqual(all);
  },
);
