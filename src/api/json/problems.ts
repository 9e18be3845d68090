import { z } from "zod";
import { MeshError } from "../../model/errors.ts";
import { suggestion } from "./suggestion.ts";

const SHOWN_PROBLEMS = 3;

/** What is wrong with `value`, the first problems by name, for whoever wrote it. */
export function errorFromIssues(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  { schema, expects }: { readonly schema: z.ZodType; readonly expects: string },
): MeshError {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const problems = issues.flatMap((issue) => problemsFromIssue(issue, value, known));
  const more = problems.length > SHOWN_PROBLEMS ? `; and ${problems.length - SHOWN_PROBLEMS} more` : "";
  return new MeshError("invalid_argument", problems.slice(0, SHOWN_PROBLEMS).join("; ") + more, {
    hint: `expected ${expects}`,
  });
}

function problemsFromIssue(
  issue: z.core.$ZodIssue,
  value: unknown,
  known: readonly string[],
): readonly string[] {
  const path = pathText(issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownField(path, key, path === "" ? known : []));
  }
  if (issue.code === "invalid_type" && valueAt(value, issue.path) === undefined)
    return [`${path} is missing`];
  return [path === "" ? issue.message : `${path}: ${issue.message}`];
}

/** One sentence on a field that nobody knows. */
export function unknownField(path: string, key: string, known: readonly string[]): string {
  const meant = suggestion(key, known);
  const place = path === "" ? "" : ` in ${path}`;
  const name = JSON.stringify(key.slice(0, 60));
  return `unknown field ${name}${place}${meant === undefined ? "" : `, did you mean "${meant}"?`}`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map((part) => String(part).slice(0, 60)).join(".");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    at = Reflect.get(at, part);
  }
  return at;
}
