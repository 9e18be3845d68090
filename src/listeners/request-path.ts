import { MeshError } from "../model/errors.ts";

/**
 * Duplicate slashes, dot segments (also percent-encoded), backslashes, blanks, control and non-ASCII characters.
 * None of them stands in a path of ours, and each of them means different things to different proxies.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const UNSAFE_PATH = /^[^/]|\/\/|\/(?:\.|%2e){1,2}(?:\/|$)|[\\\x00-\x20\x7f-\uffff]/i;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const CONTROL = /[\x00-\x1f\x7f]/;

/** Whether a path as received reads the same for everybody: only then it is looked up. */
export function isPlainPath(path: string): boolean {
  return !UNSAFE_PATH.test(path);
}

/**
 * Percent-decodes the parameters of a path, strictly.
 * @throws MeshError malformed when one is not valid percent-encoded UTF-8 or holds a control character
 */
export function decodeParams(raw: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const params: Record<string, string> = {};
  for (const [name, text] of Object.entries(raw)) params[name] = decodeSegment(text);
  return params;
}

function decodeSegment(text: string): string {
  if (!text.includes("%")) return text;
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch (cause) {
    throw malformedPath(cause);
  }
  if (CONTROL.test(decoded)) throw malformedPath(undefined);
  return decoded;
}

function malformedPath(cause: unknown): MeshError {
  return new MeshError("malformed", "the path is not valid percent-encoded UTF-8", {
    hint: "encode each part of the path with encodeURIComponent or its like",
    cause,
  });
}
