import { Validator } from "@seriousme/openapi-schema-validator";
import { beforeAll, describe, expect, test } from "vitest";
import { type Document, escapedPointer, OpenApiCheck } from "../../../test/support/openapi-check.ts";
import { createFakeHub, PUBLIC_URL } from "./fake-hub.ts";

const hub = createFakeHub();
let document: Document;

beforeAll(async () => {
  const answer = await hub.ask("GET", "/openapi.json", { headers: { authorization: "" } });
  expect(answer.status).toBe(200);
  document = Object(answer.json);
});

describe("the OpenAPI document", () => {
  test("is OpenAPI 3.1 by the official schema", async () => {
    const { valid, errors } = await new Validator().validate({ ...document });
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document).toMatchObject({
      openapi: expect.stringMatching(/^3\.1\./),
      servers: [{ url: PUBLIC_URL }],
    });
  });

  test("has every route of the adapter, and beside those only the hub's own", () => {
    const routes = hub.routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    const documented = new OpenApiCheck(document).operations();
    expect(routes.filter((route) => !documented.includes(route))).toEqual([]);
    expect(documented.filter((name) => !routes.includes(name)).sort()).toEqual([
      "GET /healthz",
      "GET /metrics",
      "GET /readyz",
    ]);
  });

  test("names each operation once, and describes each parameter of its path", () => {
    const ids: string[] = [];
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { operationId, parameters = [] } of Object.values(methods)) {
        ids.push(operationId);
        const inPath = parameters.filter((one) => one.in === "path").map((one) => one.name);
        expect(inPath, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      }
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("holds examples that its own schemas, and the adapter, take", async () => {
    const check = new OpenApiCheck(document);
    let count = 0;
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { requestBody }] of Object.entries(methods)) {
        const example = requestBody?.content["application/json"]?.example;
        if (example === undefined) continue;
        count += 1;
        const place = `#/paths/${escapedPointer(path)}/${method}/requestBody/content/application~1json/schema`;
        expect(check.problems(place, example), path).toBe("");
        const target = path.replace(/\{\w+\}/g, "alice");
        const answer = await hub.ask(method.toUpperCase(), target, { body: example });
        expect(answer.status, `${path} ${answer.text}`).toBeLessThan(300);
      }
    }
    expect(count).toBeGreaterThan(9);
  });

  test("and the adapter agree on what a send is", async () => {
    const check = new OpenApiCheck(document);
    const place = "#/paths/~1send/post/requestBody/content/application~1json/schema";
    const bodies = [
      { to: "bob", payload: null },
      { to: "bob", payload_base64: "AP8=", content_type: "image/png" },
      { to: "bob", payload: "x", content_type: "text/plain", ttl_s: 1.5, priority: "high" },
      { to: "bob", payload: 1, annotations: { a: "b" }, receipts: false },
      { to: "bob" },
      { to: "", payload: 1 },
      { payload: 1 },
      { to: "bob", payload: 1, payload_base64: "" },
      { to: "bob", payload: 1, ttl_s: 0 },
      { to: "bob", payload: 1, priority: "urgent" },
      { to: "bob", payload: 1, annotations: { a: 1 } },
      { to: "bob", payload: 1, unknown: 1 },
    ];
    for (const body of bodies) {
      const answer = await hub.ask("POST", "/send", { body });
      expect(check.problems(place, body) === "", JSON.stringify(body)).toBe(answer.status === 202);
    }
  });
});
