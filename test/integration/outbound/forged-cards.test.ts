import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSigner } from "../../support/card-signer.ts";
import { FORGED } from "../../support/forged-cards.ts";
import { CARD, type CardStage, type Json, openCardStage, openServer, sendCard } from "./card-stage.ts";

let stage: CardStage;

beforeAll(async () => {
  stage = await openCardStage();
});

afterAll(async () => {
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

const NOW_S = Math.floor(Date.now() / 1000);

describe("a card with a signature", () => {
  it.each(FORGED)("%s is not taken", async (_name, forge, reason) => {
    const signer = await openSigner();
    const told = await stage.refusalOf(sendCard(await forge(signer, CARD)));
    expect(told).toMatch(reason);
    expect(told).toMatch(/signature/);
  });

  it("for which two cards would be one is not taken", async () => {
    const signer = await openSigner();
    // As it is read, the one number is an infinity, and is written as null.
    const given = await signer.sign({ ...CARD, weight: null });
    const told = await stage.refusalOf(
      sendCard(JSON.stringify(given).replace('"weight":null', '"weight":1e999')),
    );
    expect(told).toMatch(/a number that JSON has not/);
  });

  it.each([
    ["is not there", (response: ServerResponse) => response.writeHead(404).end(), /key set answers 404/],
    ["is a page", (response: ServerResponse) => response.end("<html>"), /key set is none/],
    ["is huge", (response: ServerResponse) => response.end("[".repeat(300_000)), /more than 262144 bytes/],
    ["breaks off", (response: ServerResponse) => response.destroy(), /cannot be fetched/],
  ])("whose key set %s is not taken", async (_name, serveKeys, reason) => {
    const signer = await openSigner();
    const server = await openServer((response) => void serveKeys(response));
    const told = await stage.refusalOf(sendCard(await signer.sign(CARD, { jku: server.url })));
    expect(told).toMatch(reason);
  });

  it.each(["ES384", "EdDSA", "RS256", "PS256"])("by %s that is good is taken", async (alg) => {
    const signer = await openSigner({ alg });
    const server = await openServer(sendCard(await signer.sign(CARD)));
    const status = await stage.statusIs(await stage.reach(server.url), "reachable");
    expect(status["key"]).toBe(signer.thumbprint);
  });

  it("that is good among others that are not is taken by the good one", async () => {
    const [good, bad] = [await openSigner(), await openSigner()];
    const [one] = (await good.sign(CARD))["signatures"] as Json[];
    const [other] = (await bad.sign({ ...CARD, name: "Other" }))["signatures"] as Json[];
    const [unreachable] = (await bad.sign(CARD, { jku: "http://127.0.0.1:9/" }))["signatures"] as Json[];
    const server = await openServer(sendCard({ ...CARD, signatures: [other, unreachable, one] }));
    expect((await stage.statusIs(await stage.reach(server.url), "reachable"))["key"]).toBe(good.thumbprint);
  });

  it("that was made before the one that is known is somebody's who kept it", async () => {
    const signer = await openSigner();
    const issued = async (iat: number | undefined, name: string) =>
      sendCard(await signer.sign({ ...CARD, name }, { iat }));
    let serve = await issued(NOW_S - 100, "Current");
    const server = await openServer((response, request) => serve(response, request));
    const agent = await stage.reach(server.url);
    await stage.statusIs(agent, "reachable");
    serve = await issued(NOW_S - 200, "Stale");
    const stale = await stage.statusIs(agent, "unreachable");
    expect(stale["reason"]).toMatch(/signed before the one that is known/);
    expect((await stage.alice.get(`/agents/${agent.agentId}`)).text).not.toContain("Stale");
    serve = await issued(NOW_S - 50, "Next");
    expect((await stage.statusIs(agent, "reachable"))["name"]).toBe("Next");
    // One that does not say when it was made may be as old as it likes.
    serve = await issued(undefined, "Undated");
    await stage.statusIs(agent, "unreachable");
  });
});
