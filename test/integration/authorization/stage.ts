import { createHash, createHmac } from "node:crypto";
import { expect } from "vitest";
import { ADMIN_TOKEN, type TestAgent, type TestHub } from "../../support/hub.ts";
import type { Caller } from "./expected.ts";

export const JWT_SECRET = "the-secret-that-signs-the-tokens-of-this-test";
/** Stands in all that is the owner's: nobody else's answer may hold it. */
export const SECRET = "what-only-the-owner-may-see";

/** Bearers that are refused whatever they ask for; several of a kind. */
export type BadBearers = Readonly<Record<"wrong" | "expired" | "revoked" | "removed", readonly string[]>>;

let count = 0;
/** A name that nobody had before. */
export const fresh = (word: string): string => `${word}-${++count}`;

/** One row's cast: a hidden owner with things of its own, a peer who deals with it, and another agent of the hub. */
export class Stage {
  readonly hub: TestHub;
  readonly owner: TestAgent;
  readonly peer: TestAgent;
  readonly other: TestAgent;
  readonly #bad: BadBearers;

  private constructor(hub: TestHub, bad: BadBearers, [owner, peer, other]: readonly TestAgent[]) {
    if (owner === undefined || peer === undefined || other === undefined)
      throw new Error("the cast is three");
    this.hub = hub;
    this.owner = owner;
    this.peer = peer;
    this.other = other;
    this.#bad = bad;
  }

  static async open(hub: TestHub, bad: BadBearers): Promise<Stage> {
    const nonce = await hub.invite({ capabilities: ["invite"] });
    const profile = { visibility: "hidden", description: SECRET };
    const body = { agent_id: fresh("owner"), profile };
    const joined = await hub.call("POST", `/join/${nonce}`, { body });
    const owner = asAgent(hub, String(joined.field("agent_id")), joined);
    return new Stage(hub, bad, [owner, await hub.join(fresh("peer")), await hub.join(fresh("other"))]);
  }

  /** What a caller shows; undefined = nothing. */
  bearersOf(caller: Caller): readonly (string | undefined)[] {
    if (caller === "none") return [undefined];
    if (caller === "owner" || caller === "other") return [this[caller].token];
    return caller === "admin" ? [ADMIN_TOKEN] : this.#bad[caller];
  }

  async channel(): Promise<string> {
    const name = fresh("room");
    const body = { name, members: [this.peer.agentId], private: true, description: SECRET };
    expect((await this.owner.post("/channels", body)).status).toBe(201);
    return name;
  }

  async invite(): Promise<string> {
    const invite = await this.owner.post("/invites", {});
    expect(invite.status, invite.text).toBe(201);
    return String(invite.field("nonce"));
  }

  sent(): Promise<string> {
    return send(this.owner, this.peer);
  }

  received(): Promise<string> {
    return send(this.peer, this.owner);
  }

  given(): Promise<string> {
    return giveTask(this.owner, this.peer);
  }

  taken(): Promise<string> {
    return giveTask(this.peer, this.owner);
  }

  async dead(): Promise<string> {
    const id = await this.sent();
    const answer = await this.peer.post(`/messages/${id}/processed`, { ok: false, note: SECRET });
    expect(answer.status, answer.text).toBe(200);
    return id;
  }

  /** Sets one for everybody; gives where it is. */
  async credential(): Promise<string> {
    const path = "/profile/reach/credential";
    for (const agent of [this.owner, this.peer, this.other]) {
      const body = { origin: "https://agent.test", bearer: SECRET };
      const answer = await agent.call("PUT", path, { body });
      expect(answer.status, answer.text).toBe(200);
    }
    return path;
  }

  /** Lets nobody but the peer reach the owner; gives whom the rule names. */
  async rule(): Promise<string> {
    const body = { agent: this.peer.agentId, mode: "allow" };
    expect((await this.owner.post("/blocks", body)).status).toBe(201);
    return this.peer.agentId;
  }

  /** All that is the owner's and could change by what others do. */
  async state(): Promise<unknown> {
    const { owner } = this;
    const inbox = (await owner.get("/messages?ack=manual&limit=500")).messages();
    const seen: unknown[] = [inbox.filter(({ kind }) => kind === "MESSAGE")];
    for (const path of [
      "/channels",
      "/blocks",
      "/messages/dead",
      "/invites",
      "/tasks?include_artifacts=true",
      `/agents/${owner.agentId}`,
    ]) {
      const { status, json } = await owner.get(path);
      seen.push([path, status, json]);
    }
    return seen;
  }
}

async function send(from: TestAgent, to: TestAgent): Promise<string> {
  const answer = await from.post("/send", { to: to.agentId, payload: SECRET, receipts: false });
  expect(answer.status, answer.text).toBe(202);
  return String(answer.field("message_id"));
}

async function giveTask(from: TestAgent, to: TestAgent): Promise<string> {
  const answer = await from.post("/tasks", { to: to.agentId, payload: SECRET });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.field("task_id"));
}

function asAgent(hub: TestHub, agentId: string, joined: { field(name: string): unknown }): TestAgent {
  const token = String(joined.field("token"));
  const call: TestAgent["call"] = (method, path, options = {}) =>
    hub.call(method, path, { token, ...options });
  return {
    agentId,
    token,
    apiKey: String(joined.field("api_key")),
    call,
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body === undefined ? {} : { body }),
  };
}

/** Credentials that were right once, or never, of agents that are still there and of one that is not. */
export async function badBearers(hub: TestHub): Promise<BadBearers> {
  const [late, leaked, gone] = [await hub.join("late"), await hub.join("leaked"), await hub.join("gone")];
  expect((await leaked.post("/keys/rotate", { revoke_now: true })).status).toBe(200);
  expect((await hub.admin("DELETE", "/agents/gone")).status).toBe(204);
  return {
    wrong: [`mk_${"A".repeat(43)}`, signed(late, { secret: "another secret, as long as the right one" })],
    expired: [signed(late, { endsInS: -1 })],
    revoked: [leaked.apiKey, leaked.token],
    removed: [gone.apiKey, gone.token],
  };
}

/** A token for the agent as the hub would make it; by default a right one. */
export function signed(agent: TestAgent, { secret = JWT_SECRET, endsInS = 60 }): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const nowS = Math.floor(Date.now() / 1000);
  const claims = {
    key: createHash("sha256").update(agent.apiKey).digest("hex"),
    sub: agent.agentId,
    iss: "localhost",
    iat: nowS - 60,
    exp: nowS + endsInS,
  };
  const text = `${agent.token.split(".")[0]}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}
