import type { Command } from "commander";
import { type Answer, numberMember, objectsMember, textMember, textsMember } from "../hub/answer.ts";
import { callHub, pathOf } from "../hub/hub-client.ts";
import { type Invocation, openInvocation, operatorAccess } from "../invocation.ts";
import { collect, secondsFromDuration, wholeNumber } from "../option-value.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";

interface InviteOptions {
  readonly maxUses?: number;
  readonly expires?: number;
  readonly capability?: readonly string[];
}

/** `invite`, `invite list`, `invite revoke`: for operators, and for agents that the hub permits. */
export function addInviteCommand(program: Command, edge: ProcessEdge): void {
  const invite = program
    .command("invite")
    .description("make an invite URL (operator: reads the hub's admin token)")
    .option("--max-uses <n>", "how many agents may join by it", wholeNumber(1, 1_000_000))
    .option("--expires <duration>", "how long it works: 90s, 15m, 24h, 7d", secondsFromDuration)
    .option(
      "--capability <name>",
      "capability that who joins by it gets; repeat, or separate by commas",
      collect,
    )
    .action((options: InviteOptions, command: Command) =>
      createInvite(openInvocation(edge, command), options),
    );
  invite
    .command("list")
    .description("invites and how often they were used")
    .action((_options: object, command: Command) => listInvites(openInvocation(edge, command)));
  invite
    .command("revoke")
    .description("end an invite before its time")
    .argument("<nonce>", "the last part of its URL")
    .action((nonce: string, _options: object, command: Command) =>
      revokeInvite(openInvocation(edge, command), nonce),
    );
}

async function createInvite(run: Invocation, options: InviteOptions): Promise<void> {
  const invite = await callHub(operatorAccess(run), {
    method: "POST",
    path: "/invites",
    body: { max_uses: options.maxUses, expires_in_s: options.expires, capabilities: options.capability },
  });
  const { terminal } = run;
  const url = textMember(invite, "url") ?? "";
  await terminal.result(invite, () => [safeText(url)]);
  const uses = numberMember(invite, "max_uses");
  const until = terminal.time(textMember(invite, "expires_at"));
  await terminal.note(
    safeText(`Good for ${uses} ${uses === 1 ? "agent" : "agents"}, expires ${until}. The URL is a secret.`),
  );
  await terminal.note(safeText(`Join with: meshkore join ${url} --as ID`));
}

async function listInvites(run: Invocation): Promise<void> {
  const answer = await callHub(operatorAccess(run), { path: "/invites" });
  const { terminal } = run;
  const rows = objectsMember(answer, "invites");
  await terminal.result(answer, () =>
    terminal.table<Answer>(
      [
        { title: "NONCE", text: (row) => textMember(row, "nonce") ?? "-" },
        { title: "USES", text: (row) => `${numberMember(row, "uses")}/${numberMember(row, "max_uses")}` },
        { title: "EXPIRES", text: (row) => terminal.time(textMember(row, "expires_at")) },
        { title: "BY", text: (row) => textMember(row, "created_by") ?? "-" },
        { title: "CAPABILITIES", text: (row) => textsMember(row, "capabilities").join(","), shrinks: true },
      ],
      rows,
    ),
  );
}

async function revokeInvite(run: Invocation, nonce: string): Promise<void> {
  await callHub(operatorAccess(run), { method: "DELETE", path: pathOf("invites", nonce) });
  await run.terminal.result({ nonce, revoked: true }, () => [safeText(`revoked ${nonce}`)]);
}
