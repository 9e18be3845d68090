import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import { callHub, pathOf } from "../hub/hub-client.ts";
import { amountMember, callOperator } from "../hub/operator-call.ts";
import { accessForAgent, type Invocation, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";
import { addResetKeyCommand } from "./agent-reset-key.ts";

/** The hub may have to go over all that it keeps. */
const ERASE_WAIT_S = 3600;

/** `agent delete`, for the agent itself and for the operator; `agent erase` and `reset-key`, for the operator. */
export function addAgentCommand(program: Command, edge: ProcessEdge): void {
  const agent = program.command("agent").description("one agent");
  agent
    .command("delete")
    .description("delete an agent for good: its id is never given again")
    .argument("<agent>", "yourself, or any agent as the operator")
    .action((agentId: string, _options: object, command: Command) =>
      deleteAgent(openInvocation(edge, command), agentId),
    );
  agent
    .command("erase")
    .description("delete an agent and all that it ever wrote, also where others hold it (operator)")
    .argument("<agent>", "also one that was deleted before")
    .option("--yes", "it cannot be undone: say that you mean it")
    .action((agentId: string, options: { readonly yes?: boolean }, command: Command) =>
      eraseAgent(openInvocation(edge, command), agentId, options.yes === true),
    );
  addResetKeyCommand(agent, edge);
}

async function eraseAgent(run: Invocation, agentId: string, isSure: boolean): Promise<void> {
  if (!isSure) {
    throw usageError(
      `erasing ${agentId} cannot be undone: its messages lose their contents in everybody's inbox`,
      "add --yes to do it",
    );
  }
  const answer = await callOperator(run, "EraseAgent", { agentId }, { waitS: ERASE_WAIT_S });
  const messages = amountMember(answer, "messagesErased");
  const document = { agent_id: agentId, erased: true, messages_erased: messages };
  await run.terminal.result(document, () => [safeText(`erased ${agentId}, and ${messages} messages`)]);
  await run.terminal.note(
    "Free pages of the hub's files are overwritten at its next start. Backups of before still hold the agent.",
  );
}

async function deleteAgent(run: Invocation, agentId: string): Promise<void> {
  const access = accessForAgent(run, agentId);
  await callHub(access, { method: "DELETE", path: pathOf("agents", agentId) });
  const gone = { url: access.url, agentId };
  if (run.credentials.has(gone)) await run.credentials.remove(gone);
  await run.terminal.result({ agent_id: agentId, deleted: true }, () => [safeText(`deleted ${agentId}`)]);
}
