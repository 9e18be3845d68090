import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { usageError } from "./cli-error.ts";
import type { ProcessEdge } from "./process-edge.ts";

export interface PayloadOptions {
  readonly jsonPayload?: string;
  readonly file?: string;
}

/** Members of a send's body, as JSON text. JSON payloads stay as they were written, to the last digit. */
export type PayloadMembers = string;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the one payload that was given: TEXT, `-` for text from stdin (a newline at its end is left out),
 * --json-payload (`-` = from stdin), or --file (`.json` as JSON, other UTF-8 as text, all else as bytes).
 * @throws CliError usage
 */
export async function readPayload(
  edge: ProcessEdge,
  text: string | undefined,
  options: PayloadOptions,
): Promise<PayloadMembers> {
  const given = [text, options.jsonPayload, options.file].filter((source) => source !== undefined);
  if (given.length !== 1) {
    const problem = given.length === 0 ? "nothing to send" : "more than one payload";
    throw usageError(problem, "give TEXT, or - for stdin, or --json-payload JSON, or --file FILE");
  }
  if (options.jsonPayload !== undefined) {
    const json = options.jsonPayload === "-" ? await readStdin(edge) : options.jsonPayload;
    return jsonMember(json, "--json-payload");
  }
  if (options.file !== undefined) return membersFromFile(options.file);
  return textMember(text === "-" ? (await readStdin(edge)).replace(/\r?\n$/, "") : (text ?? ""));
}

/** Puts the members of a body and a payload together. */
export function bodyWithPayload(members: Readonly<Record<string, unknown>>, payload: PayloadMembers): string {
  return `${JSON.stringify(members).slice(0, -1)},${payload}}`;
}

function textMember(text: string): PayloadMembers {
  if (!text.isWellFormed()) throw usageError("the text is not valid Unicode", "send bytes with --file");
  return `"payload":${JSON.stringify(text)}`;
}

function jsonMember(json: string, source: string): PayloadMembers {
  try {
    JSON.parse(json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError(`${source} is not JSON: ${reason}`, "quote it for the shell: '{\"a\": 1}'");
  }
  return `"payload":${json}`;
}

async function membersFromFile(file: string): Promise<PayloadMembers> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw usageError(`cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const text = decodeUtf8(bytes);
  if (extname(file).toLowerCase() === ".json") {
    if (text === undefined) throw usageError(`${file} is not JSON: not valid UTF-8`);
    return jsonMember(text, file);
  }
  if (text !== undefined) return textMember(text);
  return `"payload_base64":"${bytes.toString("base64")}","content_type":"application/octet-stream"`;
}

/** All of it, as text. @throws CliError usage when it is not UTF-8 */
export async function readStdin(edge: ProcessEdge): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of edge.stdin) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  const text = decodeUtf8(Buffer.concat(chunks));
  if (text === undefined) throw usageError("stdin is not valid UTF-8", "send bytes with --file");
  return text;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    // Bytes, then.
    return undefined;
  }
}
