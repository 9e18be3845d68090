import { z } from "zod";

export type JsonSchema = { [keyword: string]: unknown };

/** JSON Schemas (2020-12) of zod schemas, those that have a name gathered once, to be referred to. */
export interface SchemaBook {
  /** The schema, or a reference to it. `input`: what a caller may send; `output`: what it gets. */
  schema(of: z.ZodType, io: "input" | "output"): JsonSchema;
  /** Named schemas that were met so far. */
  named(): Readonly<Record<string, JsonSchema>>;
}

/** @param place where the named ones will stand: `#/components/schemas/` */
export function createSchemaBook(place: string): SchemaBook {
  const named = new Map<string, JsonSchema>();
  return {
    schema(of, io) {
      // Within an object a named schema is referred to, wherever it stands.
      const text = JSON.stringify(
        z.toJSONSchema(z.object({ it: of }), { io, override: ({ jsonSchema }) => tidy(jsonSchema, io) }),
      );
      const { properties, $defs = {} } = JSON.parse(text.replaceAll('"#/$defs/', `"${place}`));
      for (const [name, schema] of Object.entries<JsonSchema>($defs)) keep(named, name, schema);
      return properties.it;
    },
    named: () => Object.fromEntries([...named].sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

function keep(named: Map<string, JsonSchema>, name: string, { id: _, ...schema }: JsonSchema): void {
  const before = named.get(name);
  if (before !== undefined && JSON.stringify(before) !== JSON.stringify(schema)) {
    throw new Error(`two schemas are named ${name}`);
  }
  named.set(name, schema);
}

/** Leaves out what only says how zod works. */
function tidy(schema: JsonSchema, io: "input" | "output"): void {
  // Later versions may answer with more: no reader is to refuse that.
  if (io === "output" && schema["additionalProperties"] === false) delete schema["additionalProperties"];
  if (schema["format"] !== undefined) delete schema["pattern"];
  if (schema["minimum"] === Number.MIN_SAFE_INTEGER) delete schema["minimum"];
  if (schema["maximum"] === Number.MAX_SAFE_INTEGER) delete schema["maximum"];
}
