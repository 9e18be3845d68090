import type { Command } from "commander";
import { numberMember, objectMember, textMember } from "../hub/answer.ts";
import { callHub } from "../hub/hub-client.ts";
import { agentAccess, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { factLines } from "../terminal/facts.ts";

/** `whoami`: as whom commands act, as the hub sees it. */
export function addWhoamiCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("whoami")
    .description("who you are on the hub, and how many messages wait")
    .action(async (_options: object, command: Command) => {
      const run = openInvocation(edge, command);
      const access = agentAccess(run);
      const context = await callHub(access, { path: "/context" });
      const you = objectMember(context, "you");
      const unread = numberMember(context, "unread");
      const document = {
        agent_id: textMember(you, "agent_id"),
        hub: textMember(context, "hub"),
        url: access.url,
        status: textMember(you, "status"),
        plan: textMember(you, "plan"),
        unread,
        key_from: access.identity === undefined ? "MESHKORE_API_KEY" : run.credentials.path,
      };
      await run.terminal.result(document, () => factLines(run.terminal, Object.entries(document)));
      if (run.credentials.isExposed()) {
        await run.terminal.warn("exposed_key", `others can read ${run.credentials.path}; run: chmod 600 it`);
      }
    });
}
