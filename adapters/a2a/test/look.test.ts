import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/model/json.ts";
import type { ReachHttp } from "../../../src/outbound/reach/reach-http.ts";
import type { OutboundAnswer, OutboundRequest } from "../../../src/ports/outbound-http.ts";
import { openSigner } from "../../../test/support/card-signer.ts";
import { a2aDialect } from "../outbound/dialect.ts";

const CARD_URL = "https://far.test/.well-known/agent-card.json";
const DAY_MS = 86_400_000;

type Served = (request: OutboundRequest) => Partial<Omit<OutboundAnswer, "body">> & { body?: unknown };

/** HTTP to servers that answer as they are told; a public world, so that TLS and hours can be what they like. */
class FakeWorld {
  nowUnixMs = 1_800_000_000_000;
  readonly requests: OutboundRequest[] = [];
  serve: Served = () => ({ status: 404 });
  facts: JsonObject | undefined;

  readonly #http: ReachHttp = {
    request: async (request) => {
      this.requests.push(request);
      const { body, ...head } = this.serve(request);
      const bytes = new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body ?? ""));
      return { status: 200, headers: {}, url: request.url, ...head, body: bytes };
    },
    stream: () => Promise.reject(new Error("nobody streams a card")),
    check: async () => undefined,
    takeStream: () => undefined,
  };

  async look(address: JsonObject = {}) {
    const found = await a2aDialect.look({ card_url: CARD_URL, ...address }, this.facts, {
      http: this.#http,
      nowUnixMs: () => this.nowUnixMs,
      signal: new AbortController().signal,
    });
    this.facts = JSON.parse(JSON.stringify(found.facts));
    return found;
  }

  lastTag(): string | undefined {
    return this.requests.at(-1)?.headers?.["if-none-match"];
  }
}

const cardAt = (...urls: string[]) => ({
  ...{ name: "Far", description: "", version: "1", capabilities: {}, skills: [] },
  supportedInterfaces: urls.map((url) => ({ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" })),
});

describe("a look at a remote agent", () => {
  it("asks by the tag whether the card is the same, but not for longer than a day", async () => {
    const world = new FakeWorld();
    const headers = { etag: '"one"' };
    world.serve = ({ headers: asked }) =>
      asked?.["if-none-match"] === undefined
        ? { headers, body: cardAt("https://far.test/") }
        : { status: 304 };
    await world.look();
    for (let hour = 1; hour < 24; hour++) {
      world.nowUnixMs += DAY_MS / 24;
      expect((await world.look()).shown["url"]).toBe("https://far.test/");
      expect(world.lastTag()).toBe('"one"');
    }
    world.nowUnixMs += DAY_MS / 24;
    await world.look();
    expect(world.lastTag()).toBeUndefined();
    world.nowUnixMs += 1000;
    await world.look();
    expect(world.lastTag()).toBe('"one"');
  });

  it("does not send back a tag that is too long", async () => {
    const world = new FakeWorld();
    world.serve = () => ({ headers: { etag: `"${"x".repeat(300)}"` }, body: cardAt("https://far.test/") });
    await world.look();
    await world.look();
    expect(world.lastTag()).toBeUndefined();
  });

  it("wants the card anew when its signature has expired", async () => {
    const world = new FakeWorld();
    const signer = await openSigner();
    const jku = "https://far.test/keys";
    const exp = world.nowUnixMs / 1000 + 3600;
    const card = await signer.sign(cardAt("https://far.test/"), { jku, exp });
    world.serve = ({ url, headers: asked }) => {
      if (url === jku) return { body: { keys: signer.keys } };
      return asked?.["if-none-match"] === undefined
        ? { headers: { etag: '"one"' }, body: card }
        : { status: 304 };
    };
    expect((await world.look()).shown["key"]).toBe(signer.thumbprint);
    await world.look();
    expect(world.lastTag()).toBe('"one"');
    world.nowUnixMs += 3_600_000;
    await expect(world.look()).rejects.toThrow("has expired");
  });

  it("of a card that came by https leads nowhere without it", async () => {
    const world = new FakeWorld();
    world.serve = () => ({ body: cardAt("http://far.test/rpc") });
    await expect(world.look()).rejects.toThrow("the card came by https, and the address is without");
    world.serve = () => ({ body: cardAt("http://far.test/rpc", "https://other.test/rpc") });
    expect((await world.look()).shown["url"]).toBe("https://other.test/rpc");

    const signer = await openSigner();
    const plain = await signer.sign(cardAt("https://far.test/"), { jku: "http://far.test/keys" });
    world.serve = () => ({ body: plain });
    await expect(world.look()).rejects.toThrow("to be fetched without TLS");
    expect(world.requests.map(({ url }) => url)).not.toContain("http://far.test/keys");
  });

  it("asks for a key set once, however many signatures name it, and fails for now when it is away", async () => {
    const world = new FakeWorld();
    const signer = await openSigner();
    const jku = "https://far.test/keys";
    const card = await signer.sign(cardAt("https://far.test/"), { jku });
    const [one] = card["signatures"] as object[];
    let keys: ReturnType<Served> = { body: { keys: signer.keys } };
    world.serve = ({ url }) => (url === jku ? keys : { body: { ...card, signatures: [one, one, one] } });
    await world.look();
    expect(world.requests.filter(({ url }) => url === jku)).toHaveLength(1);
    keys = { status: 503 };
    await expect(world.look()).rejects.toMatchObject({ isFinal: false });
    keys = { status: 404 };
    await expect(world.look()).rejects.toMatchObject({
      isFinal: true,
      message: expect.stringContaining("signature"),
    });
  });
});
