import type { JsonSchema } from "../../src/adapter-kit.ts";
import { Html, html, prose } from "./html.ts";

const REFERENCE = "#/components/schemas/";
/** Deeper parts are told by their type alone. */
const MAX_DEPTH = 3;

/** What a schema says, for people: its members with type and meaning, or its type. */
export function htmlFromSchema(schema: JsonSchema, depth = 0): Html {
  const properties = objectOf(schema["properties"]);
  if (Object.keys(properties).length === 0 || depth > MAX_DEPTH) return html`<p>${typeOf(schema)}</p>`;
  const required = listOf(schema["required"]);
  const oneOf = listOf(schema["oneOf"]).flatMap((one) => listOf(objectOf(one)["required"]));
  const rows = Object.entries(properties).map(([name, value]) => {
    const member = objectOf(value);
    const must = required.includes(name) ? "required" : oneOf.includes(name) ? "one of" : "";
    return html`<dt><code>${name}</code>${must === "" ? "" : html`<span class="must">${must}</span>`}</dt>
<dd><span class="type">${typeOf(member)}</span>${about(member)}${inner(member, depth)}</dd>`;
  });
  return html`<dl>${rows}</dl>`;
}

function about({ description, default: usual }: JsonSchema): Html {
  const meaning = typeof description === "string" ? html` · ${prose(description)}` : html``;
  return usual === undefined ? meaning : html`${meaning} · usually <code>${JSON.stringify(usual)}</code>`;
}

/** Members of what stands in place, not of what has a name of its own. */
function inner(member: JsonSchema, depth: number): Html {
  const object = member["type"] === "array" ? objectOf(member["items"]) : member;
  return object["properties"] === undefined ? new Html("") : htmlFromSchema(object, depth + 1);
}

/** One line: `string`, `list of Agent`, `"block" | "allow"`. */
export function typeOf(schema: JsonSchema): Html {
  const { $ref, enum: words, const: only, type, anyOf } = schema;
  if (typeof $ref === "string" && $ref.startsWith(REFERENCE)) {
    const name = $ref.slice(REFERENCE.length);
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (only !== undefined) return html`${JSON.stringify(only)}`;
  if (Array.isArray(words)) return html`${words.map((word) => JSON.stringify(word)).join(" | ")}`;
  if (Array.isArray(anyOf)) {
    return html`${anyOf.map((one, index) => html`${index === 0 ? "" : " or "}${typeOf(objectOf(one))}`)}`;
  }
  if (type === "array") return html`list of ${typeOf(objectOf(schema["items"]))}`;
  if (type === "object") return html`object`;
  const kinds = Array.isArray(type) ? type.join(" or ") : typeof type === "string" ? type : "any JSON";
  return html`${kinds}${range(schema)}`;
}

function range({ minimum, maximum, format }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` from ${minimum}`;
  return typeof format === "string" ? ` (${format})` : "";
}

function objectOf(value: unknown): JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
