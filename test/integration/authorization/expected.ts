import type { Rule } from "./table.ts";

/** As whom every row is called. `none` … `removed` are all who have no credential that holds. */
export const CALLERS = ["none", "wrong", "expired", "revoked", "removed", "other", "owner", "admin"] as const;
export type Caller = (typeof CALLERS)[number];

/** `ok`, or the code of the refusal. */
export type Outcome =
  | "ok"
  | "unauthenticated"
  | "permission_denied"
  | "not_found"
  | "unimplemented"
  | "invalid_argument";

/** What a rule says that a caller is told. */
export function expectedOutcome(rule: Rule, caller: Caller): Outcome {
  if (rule.unbuilt === true) return "unimplemented";
  if (rule.who === "open") return "ok";
  if (caller === "none") return rule.who === "open_or_admin" ? "ok" : "unauthenticated";
  const isOperators = rule.who === "admin" || rule.who === "open_or_admin";
  if (caller === "other") return isOperators ? "permission_denied" : (rule.others ?? "ok");
  if (caller === "owner") return isOperators ? "permission_denied" : "ok";
  if (caller === "admin") return rule.who === "agent" || rule.who === "owner" ? "permission_denied" : "ok";
  return "unauthenticated";
}
