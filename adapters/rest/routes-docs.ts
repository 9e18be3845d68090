import { hash } from "node:crypto";
import { z } from "zod";
import type { HttpResponse } from "../../src/adapter-kit.ts";
import { docsPage } from "./docs-page.ts";
import { DOCS_STYLE } from "./docs-style.ts";
import { type DocumentFacts, openApiFromOperations } from "./openapi.ts";
import { type DescribedOperation, type Operation, operation } from "./operation.ts";
import { errorShape, inJson } from "./shapes.ts";

/** What the page may do: show itself. */
const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash("sha256", DOCS_STYLE, "base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HUB = { group: "The hub", open: true, method: "GET" } as const;

/** What the hub answers beside its adapters: described here, so that one document tells of the whole port. */
const HUB_ROWS: readonly DescribedOperation[] = [
  {
    ...HUB,
    path: "/healthz",
    id: "getHealth",
    summary: "The process is alive",
    answers: { 200: inJson("it is", z.object({ status: z.literal("ok") })) },
  },
  {
    ...HUB,
    path: "/readyz",
    id: "getReadiness",
    summary: "The hub takes calls",
    answers: {
      200: inJson("it does", z.object({ status: z.literal("ready") })),
      503: inJson("it starts or stops", z.union([z.object({ status: z.literal("starting") }), errorShape])),
    },
  },
  {
    ...HUB,
    open: false,
    insteadOfToken: "nothing",
    path: "/metrics",
    id: "getMetrics",
    summary: "What the hub counts",
    description: "For the operator, and without a token for addresses that MESHKORE_METRICS_ACCESS names.",
    answers: { 200: { description: "Prometheus' text format", content: { "text/plain": z.string() } } },
    refusals: ["unauthenticated", "permission_denied", "rate_limited", "internal", "unavailable"],
  },
];

/** The OpenAPI document of `described` and of these two, and the same for people. */
export function docsOperations(
  described: readonly DescribedOperation[],
  facts: () => DocumentFacts,
): readonly Operation[] {
  const own: Operation[] = [];
  const all = (): readonly DescribedOperation[] => [...described, ...HUB_ROWS, ...own];
  // Made at the first call: the hub's own URL is known only when it listens.
  const document = once(() => openApiFromOperations(all(), facts()));
  const json = once(() => JSON.stringify(document()));
  const page = once(() => docsPage(document()));
  own.push(documentRow(json), pageRow(page));
  return own;
}

function documentRow(json: () => string): Operation {
  return operation({
    ...HUB,
    path: "/openapi.json",
    id: "getOpenApi",
    summary: "This interface, for programs",
    answers: { 200: inJson("OpenAPI 3.1", z.record(z.string(), z.unknown())) },
    handle: async () => answer("application/json", json(), {}),
  });
}

function pageRow(page: () => string): Operation {
  return operation({
    ...HUB,
    path: "/docs",
    id: "getDocs",
    summary: "This interface, for people",
    answers: { 200: { description: "a page", content: { "text/html": z.string() } } },
    handle: async () =>
      answer("text/html; charset=utf-8", page(), {
        "content-security-policy": PAGE_POLICY,
        "referrer-policy": "no-referrer",
      }),
  });
}

function answer(type: string, body: string, headers: Readonly<Record<string, string>>): HttpResponse {
  return {
    status: 200,
    headers: {
      "content-type": type,
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      ...headers,
    },
    body,
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
