import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RelayService } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { baseOf, grpcWire } from "../../support/grpc-wire.ts";
import { startHub, type TestHub, withHub } from "../../support/hub.ts";
import { scrape } from "../../support/prometheus-text.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { restCall } from "../../support/rest-client.ts";
import { SessionClient } from "../../support/session-client.ts";
import { until } from "../../support/until.ts";

describe("GET /metrics of a hub in use", () => {
  let hub: TestHub;

  beforeAll(async () => {
    hub = await startHub({ env: { MESHKORE_INBOX_MAX_MESSAGES: "5" } });
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  it("counts what agents did, to the message", async () => {
    const ann = await hub.join("ann-of-the-labels");
    const bob = await hub.join("bob-of-the-labels");
    const before = await scrape(hub.http);
    expect(before.value("mesh_messages_accepted_total")).toBe(0);
    expect(before.value("mesh_hub_ready")).toBe(1);
    const body = { to: bob.agentId, payload: "hello", receipts: false };
    for (let sent = 0; sent < 3; sent++) expect((await ann.post("/send", body)).status).toBe(202);
    const keyed = { ...body, dedupe_key: "once" };
    expect((await ann.post("/send", keyed)).status).toBe(202);
    expect((await ann.post("/send", keyed)).field("duplicate")).toBe(true);
    expect((await ann.post("/send", body)).status).toBe(202);
    expect((await ann.post("/send", body)).refusal().code).toBe("inbox_full");
    expect((await ann.post("/send", { ...body, to: "nobody" })).status).toBe(404);
    const page = await bob.get("/messages?limit=2");
    await bob.post("/messages/ack", { cursor: page.field("cursor") });

    const { value } = await scrape(hub.http);
    expect(value("mesh_messages_accepted_total")).toBe(5);
    expect(value("mesh_messages_accepted_bytes_total")).toBeGreaterThan(500);
    expect(value("mesh_messages_duplicate_total")).toBe(1);
    expect(value("mesh_messages_refused_total", { code: "inbox_full" })).toBe(1);
    expect(value("mesh_messages_refused_total", { code: "not_found" })).toBe(1);
    expect(value("mesh_records_delivered_total")).toBe(2);
    expect(value("mesh_records_acknowledged_total")).toBe(2);
    expect(value("mesh_log_append_seconds_count", { engine: "embedded" })).toBeGreaterThan(0);
    expect(value("mesh_log_commit_records_sum", { engine: "embedded" })).toBeGreaterThanOrEqual(5);
    expect(value("mesh_log_commit_bytes_total")).toBe(value("mesh_messages_accepted_bytes_total"));
    expect(value("mesh_log_queue_records")).toBe(0);
    expect(value("mesh_http_requests_total", { adapter: "rest", code: "2xx" })).toBeGreaterThanOrEqual(8);
    expect(value("mesh_http_requests_total", { adapter: "rest", code: "5xx" })).toBe(1);
    expect(value("mesh_http_request_seconds_count", { adapter: "rest" })).toBeGreaterThanOrEqual(10);
    expect(value("mesh_agents_online")).toBe(2);
    expect(value("mesh_attempts_wrong_total")).toBe(0);
  });

  it.each([
    ["websocket", protoWire],
    ["grpc", grpcWire],
  ])("shows open %s sessions while they are open, and what passes through them", async (adapter, wire) => {
    const ann = await hub.join(`ann-in-${adapter}-session`);
    const before = await scrape(hub.http);
    const got: unknown[] = [];
    const hello = { token: ann.token };
    const session = await SessionClient.open(baseOf(hub, wire), wire, hello, {
      delivered: (messages) => got.push(...messages),
    });
    const open = await scrape(hub.http);
    expect(open.value("mesh_sessions_open", { adapter })).toBe(1);
    expect(open.value("mesh_sessions_opened_total", { adapter })).toBe(1);
    expect(open.value("mesh_deliveries_open")).toBe(1);
    await ann.post("/send", { to: ann.agentId, payload: 1, receipts: false });
    await until("the delivery", () => got.length === 1);
    const after = await scrape(hub.http);
    const delivered = "mesh_records_delivered_total";
    expect(after.value(delivered) - before.value(delivered)).toBe(1);
    await session.close();
    await until("the end of the session", async () => {
      const closed = await scrape(hub.http);
      return closed.value("mesh_sessions_open", { adapter }) === 0;
    });
  });

  it("counts calls of the native services by wire and by how they ended", async () => {
    const ann = await hub.join("ann-by-rpc");
    const headers = { authorization: `Bearer ${ann.token}` };
    const payload = Buffer.from("1");
    for (const transport of [
      createGrpcTransport({ baseUrl: `http://${hub.grpc}` }),
      createConnectTransport({ baseUrl: hub.http, httpVersion: "1.1" }),
    ]) {
      const relay = createClient(RelayService, transport);
      await relay.send({ to: ann.agentId, payload, noReceipts: true }, { headers });
      await expect(relay.send({ to: "nobody", payload }, { headers })).rejects.toThrow();
    }
    const { value } = await scrape(hub.http);
    for (const adapter of ["grpc", "connect"]) {
      expect(value("mesh_rpc_calls_total", { adapter, code: "ok" })).toBe(1);
      expect(value("mesh_rpc_calls_total", { adapter, code: "not_found" })).toBe(1);
      expect(value("mesh_rpc_call_seconds_count", { adapter })).toBe(2);
    }
    expect(value("mesh_http_requests_total", { adapter: "connect", code: "2xx" })).toBe(1);
  });

  it("counts streams of gRPC while they are open, and how they ended", async () => {
    const ann = await hub.join("ann-on-a-stream");
    const relay = createClient(RelayService, createGrpcTransport({ baseUrl: `http://${hub.grpc}` }));
    const headers = { authorization: `Bearer ${ann.token}` };
    const adapter = "grpc";
    const calls = async (code: string) => {
      const { text, value } = await scrape(hub.http);
      const isThere = text.includes(`mesh_rpc_calls_total{adapter="grpc",code="${code}"}`);
      return isThere ? value("mesh_rpc_calls_total", { adapter, code }) : 0;
    };
    const [endedBefore, gapsBefore] = [await calls("ok"), await calls("gap")];

    const leave = new AbortController();
    const parts = relay.attach({}, { headers, signal: leave.signal })[Symbol.asyncIterator]();
    await parts.next();
    expect((await scrape(hub.http)).value("mesh_streams_open", { adapter })).toBe(1);
    expect(await calls("ok")).toBe(endedBefore);
    leave.abort();
    await expect(parts.next()).rejects.toThrow();
    await until("the stream's end is counted", async () => (await calls("ok")) === endedBefore + 1);
    expect((await scrape(hub.http)).value("mesh_streams_open", { adapter })).toBe(0);

    const refused = relay.attach({ cursor: "9-9" }, { headers })[Symbol.asyncIterator]();
    await expect(refused.next()).rejects.toThrow();
    expect(await calls("gap")).toBe(gapsBefore + 1);
    expect((await scrape(hub.http)).value("mesh_streams_open", { adapter })).toBe(0);
  });

  it("shows what is unread without asking each time", async () => {
    const { value } = await until("the first look", async () => {
      const seen = await scrape(hub.http);
      return seen.text.includes("\nmesh_inbox_unread_records ") ? seen : undefined;
    });
    expect(value("mesh_inbox_unread_records")).toBeGreaterThanOrEqual(value("mesh_inbox_unread_max_records"));
  });

  it("has no name of an agent, and no label but adapter, engine and code", async () => {
    const { text, families } = await scrape(hub.http);
    expect(text).not.toContain("labels");
    expect(text).not.toContain("ann-");
    const own = families.filter(({ name }) => name.startsWith("mesh_") && name !== "mesh_build_info");
    expect(own.length).toBeGreaterThan(25);
    const labels = new Set(
      own.flatMap(({ samples }) => samples.flatMap((sample) => Object.keys(sample.labels))),
    );
    labels.delete("le");
    expect([...labels].sort()).toEqual(["adapter", "code", "engine"]);
    for (const { name } of own) expect(name).toMatch(/^mesh_[a-z]+(_[a-z]+)*$/);
  });
});

describe("who may read /metrics", () => {
  it("is the operator by token, and by default whoever is on the machine itself", () =>
    withHub({}, async (hub) => {
      const ann = await hub.join("ann");
      expect((await hub.call("GET", "/metrics")).status).toBe(200);
      expect((await hub.admin("GET", "/metrics")).status).toBe(200);
      const agent = await ann.get("/metrics");
      expect([agent.status, agent.refusal().code]).toEqual([403, "permission_denied"]);
      expect((await hub.call("GET", "/metrics", { token: "mka_wrong" })).status).toBe(401);
      // Behind a proxy on the same machine everybody would look local.
      for (const name of ["x-forwarded-for", "forwarded", "via"]) {
        const headers = { [name]: "192.0.2.7" };
        const proxied = await restCall(hub.http, "GET", "/metrics", { headers });
        expect([name, proxied.status]).toEqual([name, 401]);
        expect(proxied.headers.get("www-authenticate")).toBe("Bearer");
        expect((await hub.admin("GET", "/metrics", { headers })).status).toBe(200);
      }
    }));

  it("can be narrowed to the operator", () =>
    withHub({ env: { MESHKORE_METRICS_ACCESS: "nobody" } }, async (hub) => {
      const refused = await hub.call("GET", "/metrics");
      expect([refused.status, refused.refusal().code]).toEqual([401, "unauthenticated"]);
      expect(refused.refusal().hint).toContain("MESHKORE_METRICS_ACCESS");
      expect((await hub.admin("GET", "/metrics")).status).toBe(200);
    }));

  it("can be widened to scrapers by address", () =>
    withHub({ env: { MESHKORE_METRICS_ACCESS: "10.0.0.0/8,127.0.0.1" } }, async (hub) => {
      expect((await hub.call("GET", "/metrics")).status).toBe(200);
      await hub.stop();
      await hub.start({ MESHKORE_METRICS_ACCESS: "10.0.0.0/8" });
      expect((await hub.call("GET", "/metrics")).status).toBe(401);
    }));
});
