import type { Command } from "commander";
import { textMember } from "../hub/answer.ts";
import { callOperator } from "../hub/operator-call.ts";
import { type Invocation, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";

/** `agent reset-key`: for the operator, when a key leaked or was lost. */
export function addResetKeyCommand(agent: Command, edge: ProcessEdge): void {
  agent
    .command("reset-key")
    .description("end all keys, tokens and sessions of an agent at once, and print its new key (operator)")
    .argument("<agent>")
    .action((agentId: string, _options: object, command: Command) =>
      resetKey(openInvocation(edge, command), agentId),
    );
}

async function resetKey(run: Invocation, agentId: string): Promise<void> {
  const answer = await callOperator(run, "ResetAgentKey", { agentId });
  const apiKey = textMember(answer, "apiKey") ?? "";
  // Alone on its line: it is there to be handed on, and shown only once.
  await run.terminal.result({ agent_id: agentId, api_key: apiKey }, () => [safeText(apiKey)]);
  await run.terminal.note(`everything that ${agentId} had open is cut; this is its only key now`);
}
