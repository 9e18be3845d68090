import type { Command } from "commander";
import { callHub, pathOf } from "../hub/hub-client.ts";
import { accessForAgent, type Invocation, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";

/** `agent delete`: for the agent itself and for the operator. */
export function addAgentCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("agent")
    .description("one agent")
    .command("delete")
    .description("delete an agent for good: its id is never given again")
    .argument("<agent>", "yourself, or any agent as the operator")
    .action((agent: string, _options: object, command: Command) =>
      deleteAgent(openInvocation(edge, command), agent),
    );
}

async function deleteAgent(run: Invocation, agentId: string): Promise<void> {
  const access = accessForAgent(run, agentId);
  await callHub(access, { method: "DELETE", path: pathOf("agents", agentId) });
  const gone = { url: access.url, agentId };
  if (run.credentials.has(gone)) await run.credentials.remove(gone);
  await run.terminal.result({ agent_id: agentId, deleted: true }, () => [safeText(`deleted ${agentId}`)]);
}
