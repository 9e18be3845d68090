import { type HttpRequest, MeshError } from "../../src/adapter-kit.ts";
import { suggestion } from "./suggestion.ts";

/** Query parameters by name; an empty one is as none. */
export type Query = ReadonlyMap<string, string>;

const MAX_LIMIT = 500;
const MAX_WAIT_S = 60;

/**
 * Reads the query; of a repeated parameter the last counts.
 * @throws MeshError invalid_argument for one that is not in `known`
 */
export function readQuery(request: HttpRequest, known: readonly string[]): Query {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(request.query)) {
    if (!known.includes(name)) throw unknownParameter(name, known);
    if (value !== "") query.set(name, value);
    else query.delete(name);
  }
  return query;
}

/** A whole number, clamped to 1…500. @throws MeshError invalid_argument */
export function limitFromQuery(query: Query): number | undefined {
  const text = query.get("limit");
  if (text === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw wrongParameter("limit", text, "a whole number from 1 to 500");
  return Math.min(Math.max(Number(text), 1), MAX_LIMIT);
}

/** Seconds in the query, at most 60 of them, as ms; 0 = do not wait. @throws MeshError invalid_argument */
export function waitMsFromQuery(query: Query): number {
  const text = query.get("wait");
  if (text === undefined) return 0;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) throw wrongParameter("wait", text, "seconds from 0 to 60");
  return Math.round(Math.min(Number(text), MAX_WAIT_S) * 1000);
}

/** One of a few words. @throws MeshError invalid_argument */
export function wordFromQuery<Word extends string>(
  query: Query,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw wrongParameter(name, text, words.join(", "));
  return word;
}

function wrongParameter(name: string, text: string, expected: string): MeshError {
  return new MeshError(
    "invalid_argument",
    `query parameter ${name}: not ${JSON.stringify(text.slice(0, 60))}`,
    {
      hint: `expected ${expected}`,
    },
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
