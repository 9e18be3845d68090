import type { Command } from "commander";
import { objectsMember } from "../hub/answer.ts";
import { callHub, pathOf } from "../hub/hub-client.ts";
import { agentAccess, type Invocation, openInvocation } from "../invocation.ts";
import { noteMore, type PageOptions, withPageOptions } from "../page-options.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { messageColumns } from "../terminal/message-line.ts";

/** `history`: a conversation. */
export function addHistoryCommand(program: Command, edge: ProcessEdge): void {
  const history = program
    .command("history")
    .description("the conversation with an agent or of a channel, the newest at the end")
    .argument("<peer>", "agent, agent@hub, or '#channel'");
  withPageOptions(history).action((peer: string, options: PageOptions, command: Command) =>
    showHistory(openInvocation(edge, command), peer, options),
  );
}

async function showHistory(run: Invocation, peer: string, { limit, cursor }: PageOptions): Promise<void> {
  const { terminal } = run;
  const answer = await callHub(agentAccess(run), { path: pathOf("history", peer), query: { limit, cursor } });
  // The hub's pages are newest first; people read down.
  const messages = objectsMember(answer, "messages").toReversed();
  await terminal.result(answer, () => terminal.table(messageColumns(terminal), messages));
  await noteMore(terminal, answer);
}
