import type { z } from "zod";
import { createSchemaBook, type ErrorCode, type JsonSchema, type SchemaBook } from "../../src/adapter-kit.ts";
import { STATUS_FROM_CODE } from "./errors.ts";
import { type DescribedOperation, GROUPS } from "./operation.ts";
import type { QueryForm } from "./query.ts";
import { errorShape } from "./shapes.ts";

type Json = Readonly<Record<string, unknown>>;

/** OpenAPI 3.1, as far as the hub makes use of it. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly security: readonly Json[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Json;
    readonly securitySchemes: Json;
  };
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly Json[];
  readonly parameters?: readonly OpenApiParameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: Json;
}

export interface OpenApiResponse {
  readonly $ref?: string;
  readonly description?: string;
  readonly headers?: Json;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

export interface DocumentFacts {
  readonly version: string;
  readonly publicUrl: string;
}

/** Where clients that are generated know it from; 3.1 takes JSON Schema 2020-12 as it is. */
const OPENAPI = "3.1.1";
const INFO = `A durable message hub for AI agents. Accepted means stored; an inbox has one order; a message comes at \
least once, and a repeat has the same id. Every refusal has the same form, with a hint that says what to do. The same \
services are there as gRPC, Connect and gRPC-Web, and sessions as a WebSocket at /ws.`;

/** The document of these operations: what they are checked by is what is written here. */
export function openApiFromOperations(
  operations: readonly DescribedOperation[],
  { version, publicUrl }: DocumentFacts,
): OpenApiDocument {
  const book = createSchemaBook("#/components/schemas/");
  const refusals = new Refusals(book);
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  const inOrder = GROUPS.flatMap((group) => operations.filter((operation) => operation.group === group));
  for (const operation of inOrder) {
    const path = operation.path.replace(/:(\w+)/g, "{$1}");
    paths[path] ??= {};
    paths[path][operation.method.toLowerCase()] = described(operation, book, refusals);
  }
  const used = GROUPS.filter((group) => inOrder.some((operation) => operation.group === group));
  return {
    openapi: OPENAPI,
    info: { title: "MeshKore hub", version, description: INFO },
    servers: [{ url: publicUrl }],
    tags: used.map((name) => ({ name })),
    security: [{ bearer: [] }],
    paths,
    components: {
      schemas: book.named(),
      responses: refusals.all(),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "a token or an API key; POST /register trades one for the other",
        },
        ticket: {
          type: "apiKey",
          in: "query",
          name: "ticket",
          description: "of POST /tickets: good once and for a minute, where no header can be set",
        },
      },
    },
  };
}

function described(operation: DescribedOperation, book: SchemaBook, refusals: Refusals): OpenApiOperation {
  const { id, group, summary, description, body } = operation;
  const parameters = parametersOf(operation);
  return {
    operationId: id,
    tags: [group],
    summary,
    ...(description !== undefined && { description }),
    ...(operation.open === true && { security: [] }),
    ...(operation.insteadOfToken === "ticket" && { security: [{ bearer: [] }, { ticket: [] }] }),
    ...(operation.insteadOfToken === "nothing" && { security: [{ bearer: [] }, {}] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: {
        required: body.mayBeEmpty !== true,
        content: {
          "application/json": {
            schema: book.schema(body.schema, "input"),
            ...(body.example !== undefined && { example: body.example }),
          },
        },
      },
    }),
    responses: { ...answersOf(operation, book), ...refusals.of(operation) },
  };
}

function parametersOf({
  params = {},
  headers = {},
  query = {},
}: DescribedOperation): readonly OpenApiParameter[] {
  const text = { type: "string" };
  return [
    ...Object.entries(params).map(([name, description]) => ({
      ...{ name, in: "path" as const, required: true, description, schema: text },
    })),
    ...queryParameters(query),
    ...Object.entries(headers).map(([name, description]) => ({
      ...{ name, in: "header" as const, required: false, description, schema: text },
    })),
  ];
}

function queryParameters(query: QueryForm): readonly OpenApiParameter[] {
  // A ticket is a security scheme, which names the parameter by itself.
  return Object.entries(query).flatMap(([name, { description, schema }]) =>
    name === "ticket" ? [] : [{ name, in: "query" as const, required: false, description, schema }],
  );
}

function answersOf({ answers }: DescribedOperation, book: SchemaBook): Record<string, OpenApiResponse> {
  const responses: Record<string, OpenApiResponse> = {};
  for (const [status, { description, content }] of Object.entries(answers)) {
    responses[status] = {
      description,
      ...(Object.keys(content).length > 0 && { content: contentFrom(content, book) }),
    };
  }
  return responses;
}

function contentFrom(content: Readonly<Record<string, z.ZodType>>, book: SchemaBook) {
  return Object.fromEntries(
    Object.entries(content).map(([type, schema]) => [type, { schema: book.schema(schema, "output") }]),
  );
}

/** Refusals are alike wherever they come from: one response for each status. */
class Refusals {
  readonly #book: SchemaBook;
  readonly #responses = new Map<string, OpenApiResponse>();

  constructor(book: SchemaBook) {
    this.#book = book;
  }

  of(operation: DescribedOperation): Record<string, OpenApiResponse> {
    const statuses = new Set(codesOf(operation).map((code) => STATUS_FROM_CODE[code]));
    const ordered = [...statuses].sort((one, other) => one - other);
    return Object.fromEntries(
      ordered.map((status) => [String(status), this.#refusal(status, operation.refusalType)]),
    );
  }

  all(): Readonly<Record<string, OpenApiResponse>> {
    return Object.fromEntries([...this.#responses].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  #refusal(status: number, textType: string | undefined): OpenApiResponse {
    const name = textType === undefined ? `Refusal${status}` : `TextRefusal${status}`;
    if (!this.#responses.has(name)) {
      const codes = Object.entries(STATUS_FROM_CODE).filter(([, its]) => its === status);
      const content = {
        "application/json": { schema: this.#book.schema(errorShape, "output") },
        ...(textType !== undefined && { [textType]: { schema: { type: "string" } } }),
      };
      const waits = status === 429 || status === 503;
      this.#responses.set(name, {
        description: codes.map(([code]) => code).join(" or "),
        ...(waits && { headers: { "Retry-After": { description: "seconds", schema: { type: "integer" } } } }),
        content,
      });
    }
    return { $ref: `#/components/responses/${name}` };
  }
}

function codesOf(operation: DescribedOperation): readonly ErrorCode[] {
  const { open = false, body, params, query, refusals = [], group } = operation;
  if (group === "Not built yet" || group === "The hub") return refusals;
  return [
    ...(body !== undefined || query !== undefined ? (["invalid_argument"] as const) : []),
    ...(open ? [] : (["unauthenticated", "permission_denied"] as const)),
    ...(params === undefined ? [] : (["not_found"] as const)),
    ...(body === undefined ? [] : (["too_large"] as const)),
    ...refusals,
    "rate_limited",
    "internal",
    "unavailable",
  ];
}
