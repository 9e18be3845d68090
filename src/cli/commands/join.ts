import type { Command } from "commander";
import { CliError, usageError } from "../cli-error.ts";
import { EXIT } from "../exit-code.ts";
import { textMember } from "../hub/answer.ts";
import { callHub, pathOf } from "../hub/hub-client.ts";
import { inviteFromText } from "../hub/hub-url.ts";
import { hubUrl, type Invocation, openInvocation } from "../invocation.ts";
import { collect } from "../option-value.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";

interface JoinOptions {
  readonly description?: string;
  readonly capability?: readonly string[];
  readonly showKey?: boolean;
}

/** `join`: becomes an agent of a hub and keeps its key. */
export function addJoinCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("join")
    .description("join a hub by an invite, as the agent that --as names; keeps the API key")
    .argument("<invite>", "invite URL, or its nonce together with --url")
    .option("--description <text>", "what the agent does, in one sentence")
    .option("--capability <name>", "what it can do; repeat, or separate by commas", collect)
    .option("--show-key", "print the API key")
    .addHelpText("after", "\nExample:\n  meshkore join http://127.0.0.1:7400/join/NONCE --as alice")
    .action((invite: string, options: JoinOptions, command: Command) =>
      join(openInvocation(edge, command), invite, options),
    );
}

async function join(run: Invocation, invite: string, options: JoinOptions): Promise<void> {
  const agentId = run.options.as;
  if (agentId === undefined)
    throw usageError("join needs --as ID", "choose an id: lower-case letters, digits, hyphens");
  const { hubUrl: invitedTo, nonce } = inviteFromText(invite);
  const url = run.options.url === undefined && invitedTo !== undefined ? invitedTo : hubUrl(run);
  // The key is shown once and the id is never given again: no place to keep it is found out before.
  run.credentials.checkWritable();
  const answer = await callHub(
    { url, bearer: undefined },
    {
      method: "POST",
      path: pathOf("join", nonce),
      body: { agent_id: agentId, description: options.description, capabilities: options.capability },
    },
  );
  const apiKey = textMember(answer, "api_key");
  const joinedAs = textMember(answer, "agent_id") ?? agentId;
  if (apiKey === undefined) {
    throw new CliError(`${url} gave no API key`, {
      exitCode: EXIT.refused,
      code: "not_a_hub",
      hint: "check the URL",
    });
  }
  await run.credentials.save({ url, agentId: joinedAs, apiKey });
  // The hub's own idea of its URL may be another; what worked from here comes first.
  await run.terminal.result({ ...answer, url, credentials_file: run.credentials.path }, () => [
    safeText(`joined ${url} as ${joinedAs}`),
    ...(options.showKey === true ? [safeText(`API key: ${apiKey}`)] : []),
  ]);
  await tellNextSteps(run, joinedAs);
}

async function tellNextSteps(run: Invocation, agentId: string): Promise<void> {
  const steps = [
    `The API key is in ${run.credentials.path}; commands act as ${agentId} from now on.`,
    "Next steps:",
    "  meshkore agents                 who else is here",
    '  meshkore send AGENT "hello"     write to one of them',
    "  meshkore inbox --follow         read what comes in",
    `  meshkore profile set --description "what ${agentId} does"`,
  ];
  for (const step of steps) await run.terminal.note(safeText(step));
}
