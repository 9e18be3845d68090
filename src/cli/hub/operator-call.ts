import { type Invocation, operatorAccess } from "../invocation.ts";
import type { Answer } from "./answer.ts";
import { callHub } from "./hub-client.ts";

/**
 * One call of the operator's service, in Connect's JSON. Numbers of 64 bits come as text, and what is 0, empty or
 * false is left out: see `amountMember`.
 * @throws CliError
 */
export function callOperator(
  run: Invocation,
  method: "GetActivity" | "CreateBackup" | "EraseAgent" | "ResetAgentKey" | "RotateTokenSecret",
  body: Readonly<Record<string, unknown>>,
  options: { readonly waitS?: number; readonly signal?: AbortSignal } = {},
): Promise<Answer> {
  const path = `/meshkore.v1.OperatorService/${method}`;
  return callHub(operatorAccess(run), { method: "POST", path, body, ...options });
}

/** A number, also one that stands there as text; 0 when it is left out. */
export function amountMember(answer: Answer, name: string): number {
  const amount = Number(answer[name] ?? 0);
  return Number.isFinite(amount) ? amount : 0;
}
