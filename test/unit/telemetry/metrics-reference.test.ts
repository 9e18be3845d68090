import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { newCounts } from "../../../src/model/counts.ts";
import { CATALOGUE, type MetricEntry } from "../../../src/telemetry/metrics/catalogue.ts";
import { createMetrics } from "../../../src/telemetry/metrics/metrics.ts";
import { parsePrometheusText } from "../../support/prometheus-text.ts";

const REFERENCE = fileURLToPath(new URL("../../../docs/metrics.md", import.meta.url));

function watchedMetrics() {
  const metrics = createMetrics({ counts: newCounts(), version: "1.2.3", logEngine: "embedded" });
  metrics.watch({
    isReady: () => true,
    agentsOnline: () => 0,
    unread: () => ({ records: 0, most: 0 }),
    kept: () => ({ openTasks: 0, deadLetters: 0 }),
    pushes: () => ({ open: 0, waiting: 0 }),
    elsewhere: () => ({ all: 0, lost: 0 }),
    calls: () => ({ running: 0, resting: 0 }),
  });
  return metrics;
}

const HEAD = `# Metrics

\`GET /metrics\` on the HTTP port answers in Prometheus' text format. Who may read it, how to scrape it, the board and the
alerts: [observability.md](observability.md). This list is made from the hub's own table of metrics; the test that
compares the two writes it anew with \`npm test -- test/unit/telemetry -u\`.

Counters start at 0 with the process. The only labels are \`adapter\` (a face or a wire), \`engine\` and \`code\` (an error
code, a class of HTTP status, or an end): no agent, channel or address is ever a label, so the list tells no names and has
as many series on a hub of a hundred thousand agents as on an empty one. \`mesh_build_info\` is 1 and carries the version.
Beside these are the usual metrics of a Node.js process, \`process_…\` and \`nodejs_…\`, among them
\`process_cpu_seconds_total\`, \`process_resident_memory_bytes\`, \`process_open_fds\` and \`nodejs_eventloop_lag_p99_seconds\`.
`;

function section([name, { type, help, labels, watch }]: readonly [string, MetricEntry]): string {
  const by = labels.length === 0 ? "" : `, by ${labels.map((label) => `\`${label}\``).join(" and ")}`;
  return `## ${name}\n\n${type}${by}\n\n${help}\n${watch === "" ? "" : `\nWatch for: ${watch}\n`}`;
}

it("docs/metrics.md is what the hub's table of metrics says", async () => {
  const entries: [string, MetricEntry][] = Object.entries(CATALOGUE);
  await expect([HEAD, ...entries.map(section)].join("\n")).toMatchFileSnapshot(REFERENCE);
});

it("every metric of the table is there from the start, with its type, help and labels, and nothing else of ours", async () => {
  const families = parsePrometheusText(await watchedMetrics().render());
  const own = families.filter(({ name }) => name.startsWith("mesh_") && name !== "mesh_build_info");
  expect(own.map(({ name, type, help }) => ({ name, type, help })).sort(byName)).toEqual(
    Object.entries(CATALOGUE)
      .map(([name, { type, help }]) => ({ name, type, help }))
      .sort(byName),
  );
  for (const named of [
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "nodejs_eventloop_lag_p99_seconds",
  ])
    expect(families.map(({ name }) => name)).toContain(named);
  expect(families.find(({ name }) => name === "mesh_build_info")?.samples).toEqual([
    { name: "mesh_build_info", labels: { version: "1.2.3" }, value: 1 },
  ]);
});

function byName(one: { name: string }, other: { name: string }): number {
  return one.name < other.name ? -1 : 1;
}

it("reads the counts anew each time", async () => {
  const counts = newCounts();
  const metrics = createMetrics({ counts, version: "1", logEngine: "embedded" });
  counts.messages.accepted = 7;
  counts.messages.refused.gone = 2;
  counts.sessions.set("websocket", { opened: 5, closed: 2 });
  const first = await metrics.render();
  expect(first).toContain("\nmesh_messages_accepted_total 7\n");
  expect(first).toContain('\nmesh_messages_refused_total{code="gone"} 2\n');
  expect(first).toContain('\nmesh_messages_refused_total{code="internal"} 0\n');
  expect(first).toContain('\nmesh_sessions_open{adapter="websocket"} 3\n');
  expect(first).toContain('\nmesh_sessions_opened_total{adapter="websocket"} 5\n');
  expect(await metrics.render()).toContain("\nmesh_messages_accepted_total 7\n");
  counts.messages.accepted = 8;
  expect(await metrics.render()).toContain("\nmesh_messages_accepted_total 8\n");
});

it("measures streamed answers as open until they end, fail, or are left", async () => {
  const counts = newCounts();
  const metrics = createMetrics({ counts, version: "1", logEngine: "embedded" });
  async function* parts(fails: boolean) {
    yield Buffer.from("1");
    if (fails) throw new Error("broken");
    yield Buffer.from("2");
  }
  const open = async (fails = false) => {
    const handler = metrics.http.handler("sse", async () => ({
      status: 200,
      headers: {},
      body: parts(fails),
    }));
    const { body } = await handler({} as never);
    if (typeof body === "string" || body instanceof Uint8Array) throw new Error("not streamed");
    return body[Symbol.asyncIterator]();
  };
  const whole = await open();
  const broken = await open(true);
  const left = await open();
  expect(counts.streams.get("sse")).toEqual({ opened: 3, closed: 0 });
  for (let part = await whole.next(); part.done !== true; ) part = await whole.next();
  expect(counts.streams.get("sse")).toEqual({ opened: 3, closed: 1 });
  await broken.next();
  await expect(broken.next()).rejects.toThrow("broken");
  expect(counts.streams.get("sse")).toEqual({ opened: 3, closed: 2 });
  await left.return?.();
  await left.return?.();
  expect(counts.streams.get("sse")).toEqual({ opened: 3, closed: 3 });
  expect(await metrics.render()).toContain('mesh_http_requests_total{adapter="sse",code="2xx"} 3\n');
});
