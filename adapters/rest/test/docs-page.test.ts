import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { curlFromOperation } from "../docs-page.ts";
import { html, prose } from "../html.ts";
import { createFakeHub } from "./fake-hub.ts";

const hub = createFakeHub();
const page = () => hub.ask("GET", "/docs", { headers: { authorization: "" } });

describe("the page at /docs", () => {
  test("shows every operation of the document, with a call to paste", async () => {
    const { text } = await page();
    const { json } = await hub.ask("GET", "/openapi.json");
    for (const [path, methods] of Object.entries(Object(json).paths)) {
      for (const { operationId } of Object.values<{ operationId: string }>(Object(methods))) {
        expect(text, path).toContain(`id="${operationId}"`);
        expect(text).toContain(`<span class="path">${path}</span>`);
      }
    }
    expect(text).toContain("curl -sS -X POST &quot;https://hub.test/send&quot;");
  });

  test("loads nothing, runs nothing, and may do nothing but show its own style", async () => {
    const { text, headers } = await page();
    expect(text).not.toMatch(/<script|<link|<img|<iframe|\son\w+=|@import|url\(/i);
    const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? "";
    const policy = headers["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`style-src 'sha256-${hash("sha256", style, "base64")}'`);
    expect(text).not.toMatch(/\sstyle=/);
  });

  test("has no link within it that leads nowhere", async () => {
    const { text } = await page();
    const targets = [...text.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]);
    expect(targets.length).toBeGreaterThan(20);
    for (const target of targets) expect(text).toContain(`id="${target}"`);
  });
});

describe("HTML", () => {
  test("escapes what is put in, and not what it made itself", () => {
    const evil = `<b a="1" b='2'>&`;
    expect(html`<p>${evil}${html`<i>`}${[html`<u>`, "<"]}</p>`.text).toBe(
      "<p>&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;<i><u>&lt;</p>",
    );
    expect(prose("a `<b>` c").text).toBe("a <code>&lt;b&gt;</code> c");
  });
});

describe("a call to paste", () => {
  const operation = { operationId: "x", tags: [], summary: "", responses: {} };

  test("names what is to be replaced in capitals, and carries token and example", () => {
    const requestBody = {
      required: true,
      content: { "application/json": { schema: {}, example: { a: 1 } } },
    };
    const place = { method: "post", path: "/a/{id}", url: "https://hub.test" };
    expect(curlFromOperation(place, { ...operation, requestBody })).toBe(
      `curl -sS -X POST "https://hub.test/a/ID" \\\n  -H "Authorization: Bearer $TOKEN" \\\n  -d '{"a":1}'`,
    );
  });

  test("has no token where none is asked for", () => {
    const place = { method: "get", path: "/healthz", url: "https://hub.test" };
    expect(curlFromOperation(place, { ...operation, security: [] })).toBe(
      'curl -sS "https://hub.test/healthz"',
    );
  });
});
