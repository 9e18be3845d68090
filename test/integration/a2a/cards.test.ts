import { randomUUID, type webcrypto } from "node:crypto";
import type { AgentCard } from "@a2a-js/sdk";
import { verifyAgentCardSignature } from "@a2a-js/sdk";
import { DefaultAgentCardResolver } from "@a2a-js/sdk/client";
import { importJWK, type JWK } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestAgent } from "../../support/hub.ts";
import type { RestAnswer } from "../../support/rest-client.ts";
import { fetchWith, openStage, type Stage } from "./stage.ts";

let stage: Stage;
const CARD = "/.well-known/agent-card.json";
const V1 = { "a2a-version": "1.0" };

beforeAll(async () => {
  stage = await openStage();
});

afterAll(() => stage?.[Symbol.asyncDispose]());

function card(agent: string, by?: TestAgent, headers: Record<string, string> = V1): Promise<RestAnswer> {
  return stage.hub.call("GET", `/a2a/${agent}${CARD}`, { token: by?.token, headers });
}

/** As a client does that trusts the hub: by the keys that it publishes. */
async function verify(given: unknown): Promise<void> {
  const { keys } = JSON.parse((await stage.hub.call("GET", "/.well-known/jwks.json")).text);
  const verifier = verifyAgentCardSignature(async (kid) => {
    const key = keys.find((one: JWK) => one.kid === kid);
    if (key === undefined) throw new Error(`no key ${kid}`);
    return importJWK(key, "ES256") as Promise<webcrypto.CryptoKey>;
  });
  await verifier(given as AgentCard);
}

describe("a card", () => {
  it("tells what is really served", async () => {
    const { hub, alice } = stage;
    const answer = await card("bob", alice);
    expect(answer.status).toBe(200);
    const url = `${hub.http}/a2a/bob`;
    expect(answer.json).toMatchObject({
      name: "Bob",
      description: "does what he is told",
      version: "1.0.0",
      supportedInterfaces: [
        { url, protocolBinding: "JSONRPC", protocolVersion: "1.0" },
        { url, protocolBinding: "HTTP+JSON", protocolVersion: "1.0" },
        { url: hub.grpc, protocolBinding: "GRPC", protocolVersion: "1.0", tenant: "bob" },
        { url, protocolBinding: "JSONRPC", protocolVersion: "0.3" },
        { url, protocolBinding: "HTTP+JSON", protocolVersion: "0.3" },
      ],
      capabilities: { streaming: true, pushNotifications: true, extendedAgentCard: true },
      securityRequirements: [{ schemes: { bearer: { list: ["member"] } } }],
      skills: [{ id: "echo", name: "echo", tags: ["echo"] }],
    });
    expect(Object(answer.json).url).toBeUndefined();
  });

  it("is signed by a key that the hub publishes, in the form for both versions too", async () => {
    const { alice } = stage;
    for (const headers of [V1, {}]) {
      const given = Object((await card("bob", alice, headers)).json);
      await verify(given);
      await expect(verify({ ...given, name: "Mallory" })).rejects.toThrow("No valid signatures");
    }
    await verify((await stage.hub.call("GET", CARD, { headers: V1 })).json);
  });

  it("is signed also when what the agent says of itself is no Unicode", async () => {
    const { hub, alice } = stage;
    const raw = String.raw`{"name":"half \ud83d","description":"\udc00","capabilities":["a\ud800b"]}`;
    const half = await hub.join("half");
    expect((await half.call("PATCH", "/profile", { raw })).status).toBe(200);
    const answer = await card("half", alice);
    expect(answer.json).toMatchObject({ name: "half \ufffd", skills: [{ id: "a\ufffdb" }] });
    await verify(answer.json);
  });

  it("has the members that clients of 0.3 read, when none says its version", async () => {
    const { hub, alice } = stage;
    const both = await card("bob", alice, {});
    const url = `${hub.http}/a2a/bob`;
    expect(both.json).toMatchObject({ url, protocolVersion: "0.3.0", preferredTransport: "JSONRPC" });
    expect(Object(both.json).supportedInterfaces).toHaveLength(5);
    const old = await hub.call("GET", "/a2a/bob/.well-known/agent.json", { token: alice.token });
    expect(old.json).toMatchObject({
      protocolVersion: "0.3.0",
      url,
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      security: [{ bearer: [] }],
    });
    expect(Object(old.json).supportedInterfaces).toBeUndefined();
  });

  it("is seen by whom its agent lets see it, and is not there for anybody else", async () => {
    const { hub, alice } = stage;
    const open = await hub.join("open", { profile: { visibility: "public", access: "public" } });
    await hub.join("hidden", { profile: { visibility: "hidden" } });
    expect((await card("open")).status).toBe(200);
    expect(Object((await card("open")).json).securityRequirements).toBeUndefined();
    const statuses = await Promise.all(
      ["bob", "hidden", "nobody", "Not An Id"].map(async (id) => (await card(encodeURIComponent(id))).text),
    );
    // The same words: nobody learns who is here.
    const [first = ""] = statuses;
    expect(first).toContain("AGENT_NOT_FOUND");
    expect((await card("hidden", alice)).status).toBe(404);
    expect((await card("bob", { ...open, token: "wrong" })).status).toBe(401);
  });

  it("of an agent that strangers may call is shown to who knows its address, and found by nobody else for it", async () => {
    const { hub, alice } = stage;
    await hub.join("usual", { profile: { access: "public" } });
    await hub.join("unlisted", { profile: { access: "public", visibility: "hidden" } });
    for (const id of ["usual", "unlisted"]) {
      for (const by of [undefined, alice]) {
        const answer = await card(id, by);
        expect([answer.status, Object(answer.json).name], answer.text).toEqual([200, id]);
        await verify(answer.json);
      }
      expect((await hub.call("GET", `/a2a/${id}/.well-known/agent.json`)).status).toBe(200);
      // The same of its tasks: a stranger is told that there is no such task, not to bring a token.
      const got = await hub.call("GET", `/a2a/${id}/tasks/${randomUUID()}`, { headers: V1 });
      expect([got.status, got.text]).toEqual([404, expect.stringContaining("TASK_NOT_FOUND")]);
    }
    expect((await alice.get("/agents/unlisted")).status).toBe(200);
    const listed = await alice.get("/agents?limit=500");
    expect(listed.text).toContain('"usual"');
    expect(listed.text).not.toContain("unlisted");
    const asked = await hub.call("POST", "/a2a", {
      headers: V1,
      body: {
        ...{ jsonrpc: "2.0", id: 1, method: "SendMessage" },
        params: {
          message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "who can do usual unlisted?" }] },
        },
      },
    });
    expect(asked.status).toBe(200);
    expect(asked.text).not.toMatch(/a2a\/(usual|unlisted)/);
  });

  it("that a stranger may not see says how members see it", async () => {
    const [bob, nobody] = [await card("bob"), await card("nobody")];
    expect(bob.status).toBe(404);
    expect(bob.text.replace("bob", "nobody")).toBe(nobody.text);
    expect(bob.text).toContain("Authorization: Bearer");
  });

  it("is not sent again to who has it", async () => {
    const { alice, bob } = stage;
    const first = await card("bob", alice);
    const etag = first.headers.get("etag") ?? "";
    const modified = first.headers.get("last-modified") ?? "";
    expect(first.headers.get("cache-control")).toBe("private, max-age=60");
    const again = (headers: Record<string, string>) => card("bob", alice, { ...V1, ...headers });
    const known = await again({ "if-none-match": `"x", ${etag}` });
    expect([known.status, known.text]).toEqual([304, ""]);
    expect((await again({ "if-modified-since": modified })).status).toBe(304);
    expect((await again({ "if-none-match": '"other"', "if-modified-since": modified })).status).toBe(200);
    await bob.call("PATCH", "/profile", { body: { description: "does more" } });
    const changed = await again({ "if-none-match": etag });
    expect([changed.status, Object(changed.json).description]).toEqual([200, "does more"]);
    await bob.call("PATCH", "/profile", { body: { description: "does what he is told" } });
  });

  it("keeps its signing key over a restart of the hub", async () => {
    const before = await stage.hub.call("GET", "/.well-known/jwks.json");
    await stage.hub.kill();
    await stage.hub.start();
    expect((await stage.hub.call("GET", "/.well-known/jwks.json")).text).toBe(before.text);
  });
});

describe("the hub's own card", () => {
  it("is not what a client finds that leaves out the slash of an agent's base", async () => {
    const { hub, alice } = stage;
    const fetchImpl = fetchWith(alice.token);
    const resolver = new DefaultAgentCardResolver({ fetchImpl });
    await expect(resolver.resolve(`${hub.http}/a2a/bob`)).rejects.toThrow("404");
    expect((await resolver.resolve(`${hub.http}/a2a/bob/`)).name).toBe("Bob");
    for (const name of ["agent-card.json", "agent.json"]) {
      const answer = await hub.call("GET", `/a2a/.well-known/${name}`);
      expect([answer.status, answer.text]).toEqual([404, expect.stringContaining("ends with a slash")]);
    }
  });

  it("stands at the origin", async () => {
    const { hub } = stage;
    const origin = await hub.call("GET", CARD, { headers: V1 });
    expect(origin.json).toMatchObject({
      name: "MeshKore hub localhost",
      supportedInterfaces: [
        { url: `${hub.http}/a2a`, protocolBinding: "JSONRPC" },
        { url: `${hub.http}/a2a/~hub`, protocolBinding: "HTTP+JSON" },
        { url: hub.grpc, protocolBinding: "GRPC" },
        {},
        {},
      ],
    });
    expect((await hub.call("GET", "/.well-known/agent.json")).json).toMatchObject({
      protocolVersion: "0.3.0",
    });
  });
});
