/** Lets `JSON.stringify` write a number as it came: the types of TypeScript 6 do not know these parts yet. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

function hasExactParts(json: object): json is ExactJson {
  return "rawJSON" in json && "parse" in json;
}

/**
 * Reads JSON so that writing it again gives the same numbers: one that JavaScript cannot hold, such as a long
 * integer or `1.0`, becomes an object that `JSON.stringify` writes as it was.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  const json: object = JSON;
  if (!hasExactParts(json)) return JSON.parse(text);
  return json.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source
      ? json.rawJSON(source)
      : value,
  );
}
