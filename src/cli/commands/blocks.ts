import type { Command } from "commander";
import { type Answer, objectsMember, textMember } from "../hub/answer.ts";
import { callHub, pathOf } from "../hub/hub-client.ts";
import { agentAccess, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";

/** `blocks add|list|remove`: who may not, or who alone may, reach you. */
export function addBlocksCommand(program: Command, edge: ProcessEdge): void {
  const blocks = program.command("blocks").description("who may reach you");
  blocks
    .command("add")
    .description("let an agent reach you no more")
    .argument("<agent>", "agent, or agent@hub")
    .option("--allow", "the other way round: once one is allowed, only allowed ones reach you")
    .action(async (agent: string, options: { readonly allow?: boolean }, command: Command) => {
      const run = openInvocation(edge, command);
      const mode = options.allow === true ? "allow" : "block";
      const answer = await callHub(agentAccess(run), {
        method: "POST",
        path: "/blocks",
        body: { agent, mode },
      });
      await run.terminal.result(answer, () => [
        safeText(`${mode === "allow" ? "allowed" : "blocked"} ${agent}`),
      ]);
    });
  blocks
    .command("list")
    .description("your rules")
    .action(async (_options: object, command: Command) => {
      const run = openInvocation(edge, command);
      const answer = await callHub(agentAccess(run), { path: "/blocks" });
      await run.terminal.result(answer, () =>
        run.terminal.table<Answer>(
          [
            { title: "AGENT", text: (row) => textMember(row, "agent") ?? "-" },
            { title: "RULE", text: (row) => textMember(row, "mode") ?? "-" },
          ],
          objectsMember(answer, "rules"),
        ),
      );
    });
  blocks
    .command("remove")
    .description("take a rule back")
    .argument("<agent>")
    .action(async (agent: string, _options: object, command: Command) => {
      const run = openInvocation(edge, command);
      await callHub(agentAccess(run), { method: "DELETE", path: pathOf("blocks", agent) });
      await run.terminal.result({ agent, removed: true }, () => [safeText(`removed the rule on ${agent}`)]);
    });
}
