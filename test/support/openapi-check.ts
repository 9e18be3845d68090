import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import ajvFormats from "ajv-formats";
import type { RestAnswer } from "./rest-client.ts";

type Json = Readonly<Record<string, unknown>>;

/** An OpenAPI document, as a test looks at it. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: Json;
}

export interface DocumentedOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: readonly Json[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Json; readonly example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, Json>>;
}

/** Holds answers against an OpenAPI document, and remembers what was seen of it. */
export class OpenApiCheck {
  readonly document: Document;
  readonly #seen = new Set<string>();
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #ajv: Ajv2020;

  constructor(document: Document) {
    this.document = document;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    ajvFormats.default(this.#ajv);
    this.#ajv.addSchema({ $id: "doc:", ...closed(document) });
  }

  /** `POST /send` of every operation. */
  operations(): string[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
  }

  /**
   * The answer's status is documented for the operation, and its body is as the document says.
   * @throws when not
   */
  answer(method: string, target: string, answer: Pick<RestAnswer, "status" | "headers" | "text">): void {
    const { name, pointer, operation } = this.#find(method, target);
    const { status, text } = answer;
    const response = operation.responses[String(status)];
    const told = `${method} ${target}: ${status} ${text.slice(0, 300)}`;
    if (response === undefined) throw new Error(`${told}: the document has no such status`);
    const place = typeof response["$ref"] === "string" ? response["$ref"] : `${pointer}/responses/${status}`;
    const { content = {} } = Object(this.#at(place));
    this.#seen.add(`${name} ${status}`);
    const type = (answer.headers.get("content-type") ?? "").split(";")[0] ?? "";
    if (Object.keys(content).length === 0) {
      if (text !== "") throw new Error(`${told}: the document says that there is no body`);
      return;
    }
    if (content[type] === undefined) throw new Error(`${told}: the document has no ${type}`);
    const value: unknown = type === "application/json" ? JSON.parse(text) : text;
    const wrong = this.problems(`${place}/content/${escapedPointer(type)}/schema`, value);
    if (wrong !== "") throw new Error(`${told}: ${wrong}`);
  }

  /** What is wrong with a value by the schema at this place; "" = nothing. */
  problems(place: string, value: unknown): string {
    const validate = this.#validators.get(place) ?? this.#ajv.compile({ $ref: `doc:${place}` });
    this.#validators.set(place, validate);
    return validate(value) ? "" : this.#ajv.errorsText(validate.errors);
  }

  /** Documented right answers that no call has got. */
  unseen(): string[] {
    return this.operations().flatMap((name) => {
      const { operation } = this.#find(...splitName(name));
      const statuses = Object.keys(operation.responses).filter((status) => status.startsWith("2"));
      return statuses.map((status) => `${name} ${status}`).filter((each) => !this.#seen.has(each));
    });
  }

  /** The operation that answers a target; a path without parameters goes before one with. */
  #find(method: string, target: string) {
    const path = (target.split("?")[0] ?? "").replace(/(.)\/$/, "$1");
    const fitting = Object.keys(this.document.paths)
      .filter((pattern) => new RegExp(`^${pattern.replace(/\{\w+\}/g, "[^/]+")}$`).test(path))
      .sort((one, other) => one.split("{").length - other.split("{").length);
    const pattern = fitting.find((each) => this.document.paths[each]?.[method.toLowerCase()] !== undefined);
    const operation = this.document.paths[pattern ?? ""]?.[method.toLowerCase()];
    if (pattern === undefined || operation === undefined) {
      throw new Error(`the document has no ${method} ${path}`);
    }
    const pointer = `#/paths/${escapedPointer(pattern)}/${method.toLowerCase()}`;
    return { name: `${method} ${pattern}`, pointer, operation };
  }

  #at(pointer: string): unknown {
    let at: unknown = this.document;
    for (const part of pointer.slice(2).split("/")) {
      at = Object(at)[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
    }
    return at;
  }
}

function splitName(name: string): [string, string] {
  const [method = "", path = ""] = name.split(" ");
  return [method, path];
}

export function escapedPointer(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}

/** The document with every object closed that says nothing of other members: what is not documented is a mistake. */
function closed(value: unknown): object {
  const walk = (at: unknown): unknown => {
    if (Array.isArray(at)) return at.map(walk);
    if (typeof at !== "object" || at === null) return at;
    const copy: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(at)) copy[key] = key === "example" ? member : walk(member);
    const isOpen = copy["type"] === "object" && copy["properties"] !== undefined;
    if (isOpen && copy["additionalProperties"] === undefined) copy["additionalProperties"] = false;
    return copy;
  };
  return Object(walk(value));
}
