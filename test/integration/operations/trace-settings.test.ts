import { expect, it } from "vitest";
import { startHub, type TestHub } from "../../support/hub.ts";
import { OtlpCollector } from "../../support/otlp-collector.ts";
import { until } from "../../support/until.ts";

const LOADED = new URL("../../support/loaded-packages.mjs", import.meta.url).href;

/** Sends one message and gives the traceparent that its receiver finds. */
async function traceparentOfOne(hub: TestHub): Promise<unknown> {
  const ann = await hub.join("ann");
  expect((await ann.post("/send", { to: "ann", payload: 1 })).status).toBe(202);
  return Object((await ann.get("/messages")).messages()[0]).traceparent;
}

it("a ratio of 0 makes no trace of its own, and says so to the receiver", async () => {
  await using collector = await OtlpCollector.open();
  await using hub = await startHub({
    env: { MESHKORE_OTLP_ENDPOINT: collector.url, MESHKORE_TRACE_RATIO: "0" },
  });
  expect(await traceparentOfOne(hub)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(await hub.stop()).toBe(0);
  expect(collector.spans).toEqual([]);
});

it("a collector that is gone harms nobody, and the log says so once", async () => {
  const gone = await OtlpCollector.open();
  const endpoint = gone.url;
  await gone[Symbol.asyncDispose]();
  await using hub = await startHub({ env: { MESHKORE_OTLP_ENDPOINT: endpoint } });
  const ann = await hub.join("ann");
  for (let payload = 0; payload < 50; payload++)
    expect((await ann.post("/send", { to: "ann", payload })).status).toBe(202);
  await until("the log says so", () => hub.log().includes("traces.not_exported"));
  expect(await hub.stop()).toBe(0);
  expect(hub.log().split("traces.not_exported").length - 1).toBeLessThanOrEqual(2);
});

it("nothing of OpenTelemetry is loaded, and no message is traced, unless a collector is configured", async () => {
  await using hub = await startHub({ env: { NODE_OPTIONS: `--import=${LOADED}` } });
  expect(await traceparentOfOne(hub)).toBeUndefined();
  expect(hub.log()).toContain("loaded-package pino");
  // The library of the metrics needs the interfaces by itself.
  expect(hub.log()).not.toMatch(/@opentelemetry\/(?!api\n)/);
});

it("what the test before looks for is there when a collector is configured", async () => {
  await using collector = await OtlpCollector.open();
  const env = { NODE_OPTIONS: `--import=${LOADED}`, MESHKORE_OTLP_ENDPOINT: collector.url };
  await using hub = await startHub({ env });
  expect(hub.log()).toContain("loaded-package @opentelemetry/sdk-trace");
});
