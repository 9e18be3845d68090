import type { Command } from "commander";
import { textMember } from "../hub/answer.ts";
import { callHub, pathOf } from "../hub/hub-client.ts";
import { agentAccess, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";

/** `status`: how far a message came. */
export function addStatusCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("status")
    .description("how far a message came: accepted, delivered, read, processed, failed, or expired")
    .argument("<message>", "its id, as 'send' printed it")
    .action(async (id: string, _options: object, command: Command) => {
      const run = openInvocation(edge, command);
      const { terminal } = run;
      const answer = await callHub(agentAccess(run), { path: pathOf("messages", id, "status") });
      const note = textMember(answer, "note");
      await terminal.result(answer, () => [
        safeText(
          [
            textMember(answer, "status") ?? "unknown",
            terminal.time(textMember(answer, "at")),
            `to ${textMember(answer, "to") ?? "-"}`,
            ...(note === undefined ? [] : [note]),
          ].join("  "),
        ),
      ]);
    });
}
