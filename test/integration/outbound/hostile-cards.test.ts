import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openA2aRemote } from "../../support/a2a-remote.ts";
import { openSigner } from "../../support/card-signer.ts";
import { until } from "../../support/until.ts";
import {
  CARD,
  type CardStage,
  cardAt,
  type Json,
  openCardStage,
  openServer,
  sendCard,
} from "./card-stage.ts";

let stage: CardStage;

beforeAll(async () => {
  stage = await openCardStage();
});

afterAll(async () => {
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

describe("a card", () => {
  it.each([
    ["a page", "<html>", /no JSON object/],
    ["a list", "[]", /no JSON object/],
    ["nothing", "", /no JSON object/],
    ["bytes", "\u0000\u0001", /no JSON object/],
    ["deeper than anybody reads", `${'{"a":'.repeat(500)}1${"}".repeat(500)}`, /no JSON object/],
    ["of other types", { name: 7 }, /no A2A card: name/],
    ["without an interface", { name: "x", description: "", version: "1" }, /offers no interface/],
    [
      "with too many interfaces",
      cardAt("", { supportedInterfaces: Array(101).fill({ url: "http://a.test" }) }),
      /no A2A card/,
    ],
    ["with an address that is none", cardAt("not a url"), /offers no interface/],
    ["with the address of a file", cardAt("file:///etc/passwd"), /offers no interface/],
    ["with a password", cardAt("http://a:b@127.0.0.1/"), /must not hold a user/],
    [
      "with a private address",
      cardAt("http://10.0.0.1/rpc"),
      /not called: the hub does not call 10\.0\.0\.1/,
    ],
    ["with a loopback address by name", cardAt("http://[::1]:7400/"), /does not call ::1/],
    ["with an address of the link", cardAt("http://169.254.169.254/"), /does not call 169\.254/],
    ["with a host that has no address", cardAt(`http://${"a".repeat(64)}.test/`), /has no address/],
  ])("that is %s is not taken", async (_name, card, reason) => {
    expect(await stage.refusalOf(sendCard(card))).toMatch(reason);
  });

  it("may name another host than its own, and is called at the first that can be", async () => {
    const remote = await openA2aRemote({ version: "1.0", streaming: true });
    onTestFinished(() => remote.stop());
    const interfaces = remote.card["supportedInterfaces"] as Json[];
    const privately = { url: "http://10.0.0.1/", protocolBinding: "JSONRPC", protocolVersion: "1.0" };
    const server = await openServer(
      sendCard({ ...remote.card, supportedInterfaces: [privately, ...interfaces] }),
    );
    expect(new URL(server.url).port).not.toBe(String(remote.port));
    const agent = await stage.reach(server.url);
    await stage.statusIs(agent, "reachable");
    const answer = await stage.alice.post("/send?wait=20", { to: agent.agentId, payload: "echo here" });
    expect(Object(answer.field("reply")).payload, answer.text).toBe("here");
  });

  it.each([
    ["to a private address", "http://10.0.0.1/card", /does not call 10\.0\.0\.1/],
    [
      "to where clouds keep their secrets",
      "http://169.254.169.254/latest/meta-data",
      /does not call 169\.254/,
    ],
    [
      "to a private address by name",
      "http://localhost.localdomain:9/",
      /does not call|no address|cannot be reached/,
    ],
    ["to a file", "file:///etc/passwd", /no http or https URL/],
    ["to nothing", "http://", /no URL/],
  ])("that redirects %s leads nowhere", async (_name, location, reason) => {
    const told = await stage.refusalOf((response) => response.writeHead(302, { location }).end());
    expect(told).toMatch(reason);
  });

  it("that redirects without end ends", async () => {
    expect(
      await stage.refusalOf((response) => response.writeHead(307, { location: "/again" }).end()),
    ).toMatch(/redirects more than 3 times/);
  });

  it("that is huge, packed or not, is read no further than it may be", async () => {
    const huge = Buffer.alloc(3_000_000, " ");
    const bomb = gzipSync(Buffer.alloc(256_000_000));
    expect(await stage.refusalOf((response) => response.end(huge))).toMatch(/more than 1048576 bytes/);
    expect(
      await stage.refusalOf((response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb)),
    ).toMatch(/more than 1048576 bytes/);
  });

  it("that comes a byte at a time is not waited for", { timeout: 60_000 }, async () => {
    const told = await stage.refusalOf((response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => response.write(" "), 100);
      response.once("close", () => clearInterval(timer));
    }, 40_000);
    expect(told).toMatch(/did not answer within 15000 ms/);
  });

  it("is the one that comes, whatever its tag says", async () => {
    expect(await stage.refusalOf((response) => response.writeHead(304, { etag: '"x"' }).end())).toMatch(
      /answered 304/,
    );

    // One tag for two cards: what comes counts.
    let serve = sendCard(cardAt("http://127.0.0.1:9/rpc", { name: "One" }), { etag: '"same"' });
    const server = await openServer((response, request) => serve(response, request));
    const agent = await stage.reach(server.url);
    expect((await stage.statusIs(agent, "reachable"))["name"]).toBe("One");
    serve = sendCard(cardAt("http://127.0.0.1:9/rpc", { name: "Two" }), { etag: '"same"' });
    await until(
      "the other one is there",
      async () => (await stage.statusOf(agent))["name"] === "Two",
      20_000,
    );
  });

  it("has to prove itself anew by a key that its owner names, also to a server that says it is the same", async () => {
    const [signer, other] = [await openSigner(), await openSigner()];
    const whole = sendCard(await signer.sign(CARD), { etag: '"same"' });
    let unchanged = 0;
    const server = await openServer((response, request) => {
      if (request.headers["if-none-match"] === undefined) return whole(response, request);
      unchanged += 1;
      response.writeHead(304, { etag: '"same"', "cache-control": "max-age=1" }).end();
    });
    const agent = await stage.reach(server.url);
    await stage.statusIs(agent, "reachable");
    await until("it is said to be the same", () => unchanged > 0, 20_000);
    const address = { card_url: server.url, key: other.thumbprint };
    const named = await agent.call("PATCH", "/profile", { body: { reach: { a2a: address } } });
    expect(named.status, named.text).toBe(200);
    const status = await stage.statusIs(agent, "key_changed");
    expect(status).toMatchObject({ key: signer.thumbprint, offered_key: signer.thumbprint });
  });
});
