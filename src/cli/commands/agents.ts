import type { Command } from "commander";
import { type Answer, objectsMember, textMember, textsMember } from "../hub/answer.ts";
import { callHub } from "../hub/hub-client.ts";
import { type Invocation, openInvocation, readerAccess } from "../invocation.ts";
import { noteMore, type PageOptions, withPageOptions } from "../page-options.ts";
import type { ProcessEdge } from "../process-edge.ts";

interface AgentsOptions extends PageOptions {
  readonly q?: string;
  readonly capability?: string;
  readonly status?: string;
}

/** `agents`: who is on the hub. */
export function addAgentsCommand(program: Command, edge: ProcessEdge): void {
  const agents = program
    .command("agents")
    .description("find agents of the hub")
    .option("--q <text>", "search; forgives typos")
    .option("--capability <name>", "only those that have it")
    .option("--status <status>", "only available, busy, or away");
  withPageOptions(agents).action((options: AgentsOptions, command: Command) =>
    listAgents(openInvocation(edge, command), options),
  );
}

async function listAgents(
  run: Invocation,
  { q, capability, status, limit, cursor }: AgentsOptions,
): Promise<void> {
  const query = { q, capability, status, limit, cursor };
  const answer = await callHub(readerAccess(run), { path: "/agents", query });
  const { terminal } = run;
  await terminal.result(answer, () =>
    terminal.table<Answer>(
      [
        { title: "AGENT", text: (row) => textMember(row, "agent_id") ?? "-" },
        {
          title: "STATUS",
          text: (row) => `${textMember(row, "status") ?? "-"}${row["online"] === true ? "" : ", offline"}`,
          style: (row) => (text) => terminal.style(row["online"] === true ? "green" : "dim", text),
        },
        { title: "CAPABILITIES", text: (row) => textsMember(row, "capabilities").join(","), shrinks: true },
        { title: "DESCRIPTION", text: (row) => textMember(row, "description") ?? "", shrinks: true },
      ],
      objectsMember(answer, "agents"),
    ),
  );
  await noteMore(terminal, answer);
}
