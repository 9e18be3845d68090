import type { z } from "zod";
import { errorFromIssues, type HttpRequest, MeshError, readJsonMembers } from "../../src/adapter-kit.ts";

/** What a body must look like. */
export interface BodyForm<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** How to write it, for the hint: `{"to": "<agent id>", …}`. */
  readonly expects: string;
  /** A right one, to be shown; absent = an empty one is the usual. */
  readonly example?: z.input<Schema>;
  /** No body at all is as `{}`. */
  readonly mayBeEmpty?: boolean;
}

export interface Body<Schema extends z.ZodType> {
  readonly fields: z.output<Schema>;
  /** The bytes of each member, exactly as they came. */
  readonly raw: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a JSON object. The content-type is not asked for as long as the body is JSON: `curl -d` says that it is a form.
 * @throws MeshError malformed for what is no JSON object, invalid_argument naming the fields that are wrong, and
 * what reading the request throws
 */
export async function readBody<Schema extends z.ZodType>(
  request: HttpRequest,
  form: BodyForm<Schema>,
): Promise<Body<Schema>> {
  const bytes = await request.body();
  const { value, raw } = bytes.length === 0 ? emptyBody(form) : parseBody(request, bytes, form.expects);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MeshError("malformed", "the body is not a JSON object", { hint: `expected ${form.expects}` });
  }
  const parsed = form.schema.safeParse(value);
  if (parsed.success) return { fields: parsed.data, raw };
  throw errorFromIssues(parsed.error.issues, value, form);
}

interface ReadMembers {
  readonly value: unknown;
  readonly raw: ReadonlyMap<string, Uint8Array>;
}

function emptyBody<Schema extends z.ZodType>(form: BodyForm<Schema>): ReadMembers {
  if (form.mayBeEmpty === true) return { value: {}, raw: new Map() };
  throw new MeshError("malformed", "the body is empty", { hint: `expected ${form.expects}` });
}

function parseBody(request: HttpRequest, bytes: Uint8Array, expects: string): ReadMembers {
  try {
    return readJsonMembers(bytes);
  } catch (thrown) {
    if (!(thrown instanceof MeshError)) throw thrown;
    const type = request.headers.get("content-type") ?? "";
    const advice = isJsonType(type)
      ? `expected ${expects}`
      : `send JSON with content-type application/json, not ${JSON.stringify(type.slice(0, 80))}; expected ${expects}`;
    throw new MeshError(thrown.code, thrown.message, { hint: advice, cause: thrown });
  }
}

function isJsonType(type: string): boolean {
  return /^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(type);
}
