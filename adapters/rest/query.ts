import { type HttpRequest, MeshError, suggestion } from "../../src/adapter-kit.ts";

/** One parameter: how it is read, and what is told of it. */
export interface QueryParameter<Value> {
  readonly description: string;
  /** JSON Schema of a right one. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** @throws MeshError invalid_argument */
  read(text: string, name: string): Value;
}

/** The parameters that an operation takes. */
export type QueryForm = Readonly<Record<string, QueryParameter<unknown>>>;

/** What was given: an empty parameter is as none. */
export type QueryValues<Form extends QueryForm> = {
  readonly [Name in keyof Form]?: Form[Name] extends QueryParameter<infer Value> ? Value : never;
};

const MAX_LIMIT = 500;
const MAX_WAIT_S = 60;

/**
 * Reads the query; of a repeated parameter the last counts.
 * @throws MeshError invalid_argument for one that is not in the form, or wrong
 */
export function readQuery<Form extends QueryForm>(request: HttpRequest, form: Form): QueryValues<Form> {
  const texts = new Map<string, string>();
  for (const [name, text] of new URLSearchParams(request.query)) {
    if (!Object.hasOwn(form, name)) throw unknownParameter(name, Object.keys(form));
    if (text !== "") texts.set(name, text);
    else texts.delete(name);
  }
  const values: Record<string, unknown> = {};
  for (const [name, text] of texts) values[name] = form[name]?.read(text, name);
  // The compiler cannot follow names through a loop; each value is what its parameter reads.
  return values as QueryValues<Form>;
}

/** Any text. */
export function textParameter(description: string): QueryParameter<string> {
  return { description, schema: { type: "string" }, read: (text) => text };
}

/** Where to go on: the `cursor` of the page before. */
export const cursorParameter: QueryParameter<string> = textParameter("the `cursor` of the page before");

/** A whole number, clamped to 1…500. */
export const limitParameter: QueryParameter<number> = {
  description: `items of one page at most; more than ${MAX_LIMIT} count as ${MAX_LIMIT}`,
  schema: { type: "integer", minimum: 1, maximum: MAX_LIMIT },
  read(text, name) {
    if (!/^-?\d{1,15}$/.test(text)) throw wrongParameter(name, text, "a whole number from 1 to 500");
    return Math.min(Math.max(Number(text), 1), MAX_LIMIT);
  },
};

/** Seconds in the query, at most 60 of them, as ms; 0 = do not wait. */
export function waitMsParameter(description: string): QueryParameter<number> {
  return {
    description: `${description}; more than ${MAX_WAIT_S} seconds count as ${MAX_WAIT_S}`,
    schema: { type: "number", minimum: 0, maximum: MAX_WAIT_S },
    read(text, name) {
      if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) throw wrongParameter(name, text, "seconds from 0 to 60");
      return Math.round(Math.min(Number(text), MAX_WAIT_S) * 1000);
    },
  };
}

/** One of a few words. */
export function wordParameter<const Word extends string>(
  description: string,
  words: readonly Word[],
): QueryParameter<Word> {
  return {
    description,
    schema: { type: "string", enum: words },
    read(text, name) {
      const word = words.find((candidate) => candidate === text);
      if (word === undefined) throw wrongParameter(name, text, words.join(", "));
      return word;
    },
  };
}

/** A whole number from `least` to `most`, both included. */
export function countParameter(description: string, least: number, most: number): QueryParameter<number> {
  return {
    description,
    schema: { type: "integer", minimum: least, maximum: most },
    read(text, name) {
      const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (count >= least && count <= most) return count;
      throw wrongParameter(name, text, `a whole number from ${least} to ${most}`);
    },
  };
}

function wrongParameter(name: string, text: string, expected: string): MeshError {
  return new MeshError(
    "invalid_argument",
    `query parameter ${name}: not ${JSON.stringify(text.slice(0, 60))}`,
    { hint: `expected ${expected}` },
  );
}

function unknownParameter(name: string, known: readonly string[]): MeshError {
  const meant = suggestion(name, known);
  const question = meant === undefined ? "" : `, did you mean "${meant}"?`;
  return new MeshError(
    "invalid_argument",
    `unknown query parameter ${JSON.stringify(name.slice(0, 60))}${question}`,
    { hint: known.length === 0 ? "this call takes none" : `this call takes: ${known.join(", ")}` },
  );
}
