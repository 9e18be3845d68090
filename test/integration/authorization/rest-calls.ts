import { fresh, type Stage } from "./stage.ts";

/** A right call: refused only for who makes it. */
export interface RestRequest {
  /** With its parameters filled in. */
  readonly path: string;
  readonly body?: unknown;
}

type Build = (stage: Stage) => RestRequest | Promise<RestRequest>;

const at =
  (path: string, body?: unknown): Build =>
  () => ({ path, body });

/** How each row of the table is called, about things of the owner's. */
export const REST_CALLS: Readonly<Record<string, Build>> = {
  "POST /invites": at("/invites", {}),
  "GET /invites": at("/invites"),
  "DELETE /invites/{nonce}": async (stage) => ({ path: `/invites/${await stage.invite()}` }),
  "GET /join/{nonce}": async (stage) => ({ path: `/join/${await stage.invite()}` }),
  "POST /join/{nonce}": async (stage) => ({
    path: `/join/${await stage.invite()}`,
    body: { agent_id: fresh("joined") },
  }),
  "POST /register": ({ owner }) => ({
    path: "/register",
    body: { agent_id: owner.agentId, api_key: owner.apiKey },
  }),
  "POST /keys/rotate": at("/keys/rotate"),
  "POST /tickets": at("/tickets"),

  "GET /agents": at("/agents?limit=500"),
  "GET /agents/{id}": ({ owner }) => ({ path: `/agents/${owner.agentId}` }),
  "DELETE /agents/{id}": ({ owner }) => ({ path: `/agents/${owner.agentId}` }),
  "PUT /agents/{id}/plan": ({ owner }) => ({ path: `/agents/${owner.agentId}/plan`, body: { plan: "pro" } }),
  "PATCH /profile": at("/profile", { region: "moon" }),
  "PUT /profile/reach/credential": at("/profile/reach/credential", {
    origin: "https://agent.test",
    bearer: "secret",
  }),
  "GET /profile/reach/credential": async (stage) => ({ path: await stage.credential() }),
  "DELETE /profile/reach/credential": async (stage) => ({ path: await stage.credential() }),
  "POST /blocks": at("/blocks", { agent: "spammer" }),
  "GET /blocks": at("/blocks"),
  "DELETE /blocks/{agent}": async (stage) => ({ path: `/blocks/${await stage.rule()}` }),

  "POST /send": ({ peer }) => ({ path: "/send", body: { to: peer.agentId, payload: 1, receipts: false } }),
  "GET /messages": async (stage) => ({ path: `/messages?limit=${(await stage.received()).length}` }),
  "GET /messages/stream": async (stage) => ({
    path: `/messages/stream?window=${(await stage.received()).length}`,
  }),
  "GET /messages/dead": async (stage) => ({ path: `/messages/dead?limit=${(await stage.dead()).length}` }),
  "POST /messages/ack": at("/messages/ack", { cursor: "1-0" }),
  "GET /messages/{id}/status": async (stage) => ({ path: `/messages/${await stage.sent()}/status` }),
  "POST /messages/{id}/processed": async (stage) => ({
    path: `/messages/${await stage.received()}/processed`,
    body: { ok: true },
  }),
  "POST /messages/{id}/redrive": async (stage) => ({ path: `/messages/${await stage.dead()}/redrive` }),
  "GET /history/{peer}": async (stage) => ({ path: `/history/%23${await stage.channel()}` }),

  "POST /channels": () => ({ path: "/channels", body: { name: fresh("new-room") } }),
  "GET /channels": async (stage) => ({ path: `/channels?limit=${(await stage.channel()).length}` }),
  "DELETE /channels/{id}": async (stage) => ({ path: `/channels/${await stage.channel()}` }),
  "POST /channels/{id}/join": async (stage) => ({ path: `/channels/${await stage.channel()}/join` }),
  "POST /channels/{id}/leave": async (stage) => ({ path: `/channels/${await stage.channel()}/leave` }),
  "GET /channels/{id}/members": async (stage) => ({ path: `/channels/${await stage.channel()}/members` }),
  "POST /channels/{id}/members": async (stage) => ({
    path: `/channels/${await stage.channel()}/members`,
    body: { members: [stage.other.agentId] },
  }),
  "POST /channels/{id}/send": async (stage) => ({
    path: `/channels/${await stage.channel()}/send`,
    body: { payload: 1 },
  }),
  "GET /channels/{id}/history": async (stage) => ({ path: `/channels/${await stage.channel()}/history` }),

  "GET /stats": at("/stats"),
  "GET /network": at("/network"),
  "GET /context": at("/context"),
  "GET /openapi.json": at("/openapi.json"),
  "GET /docs": at("/docs"),
  "GET /healthz": at("/healthz"),
  "GET /readyz": at("/readyz"),
  "GET /metrics": at("/metrics"),

  "POST /tasks": ({ peer }) => ({ path: "/tasks", body: { to: peer.agentId, payload: "do it" } }),
  "GET /tasks": async (stage) => ({ path: `/tasks?limit=${(await stage.given()).length}` }),
  "GET /tasks/{id}": async (stage) => ({ path: `/tasks/${await stage.given()}` }),
  "POST /tasks/{id}/messages": async (stage) => ({
    path: `/tasks/${await stage.taken()}/messages`,
    body: { payload: "done", status: "completed" },
  }),
  "POST /tasks/{id}/cancel": async (stage) => ({ path: `/tasks/${await stage.given()}/cancel` }),
  "GET /tasks/{id}/events": async (stage) => ({ path: `/tasks/${await stage.given()}/events` }),

  "POST /discover": at("/discover", {}),
  "POST /services": at("/services", {}),
  "GET /services": at("/services"),
  "GET /services/{id}": at("/services/x"),
};
