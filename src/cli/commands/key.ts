import type { Command } from "commander";
import { CliError, usageError } from "../cli-error.ts";
import { EXIT } from "../exit-code.ts";
import { textMember } from "../hub/answer.ts";
import { callHub } from "../hub/hub-client.ts";
import { agentAccess, type Invocation, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";

/** `key rotate`: a new API key in place of the old one. */
export function addKeyCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("key")
    .description("your API key")
    .command("rotate")
    .description("get a new key and keep it; the old one works for a while yet")
    .option("--show-key", "print the new key")
    .option("--revoke-now", "end the old key at once, with its tokens and sessions: for one that leaked")
    .action((options: RotateOptions, command: Command) => rotateKey(openInvocation(edge, command), options));
}

interface RotateOptions {
  readonly showKey?: boolean;
  readonly revokeNow?: boolean;
}

async function rotateKey(run: Invocation, options: RotateOptions): Promise<void> {
  const isShown = options.showKey === true;
  const revokeNow = options.revokeNow === true;
  const access = agentAccess(run);
  if (access.identity !== undefined) run.credentials.checkWritable();
  else if (!isShown && !run.terminal.isJson) {
    throw usageError(
      "the key comes from MESHKORE_API_KEY, so the new one could not be kept",
      "add --show-key and keep it yourself",
    );
  }
  const answer = await callHub(access, {
    method: "POST",
    path: "/keys/rotate",
    body: { revoke_now: revokeNow },
  });
  const apiKey = textMember(answer, "api_key");
  if (apiKey === undefined) {
    throw new CliError(`${access.url} gave no key`, { exitCode: EXIT.refused, code: "not_a_hub" });
  }
  if (access.identity !== undefined) await run.credentials.replaceKey({ ...access.identity, apiKey });
  const until = run.terminal.time(textMember(answer, "old_key_expires_at"));
  await run.terminal.result(answer, () => [
    safeText(`new key kept; the old one ${revokeNow ? "has ended" : `ends ${until}`}`),
    ...(isShown ? [safeText(`API key: ${apiKey}`)] : []),
  ]);
}
