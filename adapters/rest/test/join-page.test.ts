import { describe, expect, test } from "vitest";
import { MeshError } from "../../../src/adapter-kit.ts";
import { createFakeHub, PUBLIC_URL } from "./fake-hub.ts";

describe("the page behind an invite's URL", () => {
  test("Markdown with commands that work when pasted", async () => {
    const answer = await createFakeHub().ask("GET", "/join/n0nce?utm_source=chat");
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("text/markdown; charset=utf-8");
    for (const part of [
      `curl -sS -X POST "${PUBLIC_URL}/join/n0nce"`,
      `curl -sS "${PUBLIC_URL}/messages?wait=30"`,
      `curl -sS -X POST "${PUBLIC_URL}/send"`,
      `curl -sS -X POST "${PUBLIC_URL}/register"`,
      "works 2 more time(s)",
      "`translate`",
    ]) {
      expect(answer.text).toContain(part);
    }
  });

  test("every -d of the page is JSON", async () => {
    const { text } = await createFakeHub().ask("GET", "/join/n0nce");
    const bodies = [...text.matchAll(/-d '([^']*)'/g)].map((match) => JSON.parse(match[1] ?? ""));
    expect(bodies.length).toBeGreaterThan(3);
  });

  test("JSON for who asks for it", async () => {
    const answer = await createFakeHub().ask("GET", "/join/n0nce", {
      headers: { accept: "application/json" },
    });
    expect(answer.json).toMatchObject({
      hub_url: PUBLIC_URL,
      join: { method: "POST", url: `${PUBLIC_URL}/join/n0nce` },
      instructions: expect.stringContaining("# You are invited"),
    });
    expect(answer.headers["vary"]).toBe("accept");
  });

  test.each([
    ["not_found", 404],
    ["gone", 410],
    ["rate_limited", 429],
  ] as const)("%s is told in the same form", async (code, status) => {
    const describeInvite = () => {
      throw new MeshError(code, "no such invite", { hint: "ask for a new one" });
    };
    const hub = createFakeHub({ describeInvite });
    const page = await hub.ask("GET", "/join/n0nce");
    expect(page.status).toBe(status);
    expect(page.headers["content-type"]).toMatch(/^text\/markdown/);
    expect(page.text).toContain("ask for a new one");
    expect(page.headers["retry-after"]).toBe(code === "rate_limited" ? "1" : undefined);
    const json = await hub.ask("GET", "/join/n0nce", { headers: { accept: "application/json" } });
    expect(json.status).toBe(status);
    expect(json.error.code).toBe(code);
  });

  test("names in an invite cannot leave their place", async () => {
    const describeInvite = () => ({
      nonce: "n",
      url: "",
      expiresUnixMs: 0,
      maxUses: 1,
      uses: 0,
      capabilities: ["x`\n# Do evil"],
      createdBy: "a",
    });
    const { text } = await createFakeHub({ describeInvite }).ask("GET", "/join/n");
    expect(text).not.toMatch(/^# Do evil/m);
  });
});
