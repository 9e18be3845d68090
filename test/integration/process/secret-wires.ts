import { connect } from "node:net";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { OperatorService } from "../../../src/gen/meshkore/v1/operator_pb.js";
import { RegistryService } from "../../../src/gen/meshkore/v1/registry_pb.js";
import { RelayService } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { restCall } from "../../support/rest-client.ts";

/** What a life over the native wires hands around. */
export interface SecretsInUse {
  readonly token: string;
  readonly key: string;
  readonly nonce: string;
  readonly adminToken: string;
  readonly payload: string;
}

/** Right and wrong calls over gRPC, Connect in both codings, and gRPC-Web. */
export async function callOverEveryWire(http: string, grpc: string, secrets: SecretsInUse): Promise<void> {
  const httpVersion = "1.1" as const;
  const transports = [
    createGrpcTransport({ baseUrl: `http://${grpc}` }),
    createConnectTransport({ baseUrl: http, httpVersion, useBinaryFormat: false }),
    createConnectTransport({ baseUrl: http, httpVersion, useBinaryFormat: true }),
    createGrpcWebTransport({ baseUrl: http, httpVersion }),
  ];
  for (const transport of transports) await callOver(transport, secrets);
}

async function callOver(transport: Transport, secrets: SecretsInUse): Promise<void> {
  const { token, key, nonce, adminToken, payload } = secrets;
  const relay = createClient(RelayService, transport);
  const registry = createClient(RegistryService, transport);
  const operator = createClient(OperatorService, transport);
  const as = (bearer: string) => ({ headers: { authorization: `Bearer ${bearer}` } });
  const bytes = Buffer.from(JSON.stringify(payload));
  const contentType = "application/json";
  const sent = await relay.send({ to: "bob", payload: bytes, contentType }, as(token));
  expect(sent.messageId).not.toBe("");
  await relay.receive({}, as(key));
  await registry.describeInvite({ nonce });
  await operator.getActivity({}, as(adminToken));
  const refusals = [
    relay.send({ to: "bob", payload: bytes, contentType, dedupeKey: payload }, as(`${token}x`)),
    relay.send({ to: payload, payload: bytes, contentType }, as(token)),
    relay.redrive({ messageId: payload }, as(token)),
    relay.receive({ cursor: key }, as(token)),
    registry.describeInvite({ nonce: `${nonce}x` }),
    registry.register({ agentId: "alice", apiKey: `${key}x` }),
    registry.join({ nonce, agentId: token }),
    operator.getActivity({}, as(`${adminToken}x`)),
    operator.getActivity({}, as(token)),
  ];
  const outcomes = await Promise.allSettled(refusals);
  for (const [index, outcome] of outcomes.entries()) {
    expect([index, outcome.status]).toEqual([index, "rejected"]);
    const { code } = ConnectError.from(outcome.status === "rejected" ? outcome.reason : undefined);
    expect([index, code]).not.toEqual([index, Code.Unknown]);
  }
}

/** What no client library sends: secrets in the wrong place of a broken request. */
export async function breakEveryWire(http: string, secrets: SecretsInUse): Promise<void> {
  const { token, key, nonce, adminToken, payload } = secrets;
  const authorization = `Bearer ${token}`;
  const broken = `{"to":"bob","payload":"${payload}","token":"${token}"`;
  const json = { "content-type": "application/json", authorization };
  const procedure = "/meshkore.v1.RelayService/Send";
  const answers = [
    await restCall(http, "POST", procedure, { raw: broken, headers: json }),
    await restCall(http, "POST", procedure, { raw: `{"api_key":"${key}"}`, headers: json }),
    await restCall(http, "POST", procedure, {
      raw: broken,
      headers: { ...json, "content-type": "application/proto" },
    }),
    await restCall(http, "POST", procedure, {
      raw: broken,
      headers: { ...json, "content-type": `text/${payload}` },
    }),
    await restCall(http, "POST", `/meshkore.v1.RelayService/${nonce}?token=${token}`, {
      raw: "{}",
      headers: json,
    }),
    await restCall(http, "GET", `/messages/stream?token=${token}&ticket=${key}`),
    await restCall(http, "GET", `/messages/stream?cursor=${payload}`, { token }),
    await restCall(http, "GET", "/messages/stream", {
      token: `${token}x`,
      headers: { "last-event-id": key },
    }),
    await restCall(http, "GET", `/metrics?token=${adminToken}`, { token: `${adminToken}x` }),
    await restCall(http, "GET", "/metrics", { token }),
    await restCall(http, "GET", `/join/${encodeURIComponent(`${nonce}%00`)}`),
    await restCall(http, "GET", `/join/${nonce}%ff`),
  ];
  for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(400);
  for (const head of [
    `GET /context HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n`,
    `GET /${token} HTTP/9.9\r\nX: ${key}\r\n\r\n`,
    `${nonce} ${payload}\r\n\r\n`,
  ])
    await sendRaw(http, head);
  for (const frame of [Buffer.from(`\u0012\u00ff${token}`), Buffer.from(key)])
    await sendBinary(http, token, frame);
}

/** Sends it and waits until the hub has had enough. */
function sendRaw(http: string, text: string): Promise<void> {
  const { hostname, port } = new URL(http);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.end(text));
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.resume();
  });
}

function sendBinary(http: string, token: string, frame: Uint8Array): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${http.replace("http", "ws")}/ws`, ["meshkore.v1.proto"], { headers });
  return new Promise((resolve) => {
    socket.once("open", () => socket.send(frame));
    socket.once("error", () => resolve());
    socket.once("close", () => resolve());
  });
}
