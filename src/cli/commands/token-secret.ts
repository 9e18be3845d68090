import type { Command } from "commander";
import { textMember } from "../hub/answer.ts";
import { callOperator } from "../hub/operator-call.ts";
import { type Invocation, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";

/** `token-secret rotate`: for the operator, by habit or after a leak. */
export function addTokenSecretCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("token-secret")
    .description("the secret that the hub signs tokens with (operator)")
    .command("rotate")
    .description("sign with a new one; tokens that are out stay valid until they end")
    .option(
      "--revoke-now",
      "end all tokens that are out, and what they opened; agents come back by their keys",
    )
    .action((options: { readonly revokeNow?: boolean }, command: Command) =>
      rotate(openInvocation(edge, command), options.revokeNow === true),
    );
}

async function rotate(run: Invocation, revokeNow: boolean): Promise<void> {
  const answer = await callOperator(run, "RotateTokenSecret", { revokeNow });
  const kid = textMember(answer, "kid") ?? "";
  const fate = revokeNow ? "all tokens have ended" : "tokens that are out stay valid until they end";
  await run.terminal.result({ kid, revoked: revokeNow }, () => [safeText(`new secret ${kid}; ${fate}`)]);
}
