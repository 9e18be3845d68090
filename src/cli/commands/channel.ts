import type { Command } from "commander";
import { type Answer, numberMember, objectsMember, textMember, textsMember } from "../hub/answer.ts";
import { callHub, pathOf } from "../hub/hub-client.ts";
import { agentAccess, type Invocation, openInvocation, readerAccess } from "../invocation.ts";
import { collect } from "../option-value.ts";
import { noteMore, type PageOptions, withPageOptions } from "../page-options.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";
import { type SendOptions, sendMessage, withSendOptions } from "./send.ts";

interface CreateOptions {
  readonly member?: readonly string[];
  readonly description?: string;
  readonly private?: boolean;
}

/** `channel create|list|join|leave|add|members|send|delete`. A name may be written with its `#`. */
export function addChannelCommand(program: Command, edge: ProcessEdge): void {
  const channel = program.command("channel").description("channels: named groups of agents");
  addCreate(channel, edge);
  withPageOptions(channel.command("list").description("channels that you may see")).action(
    (options: PageOptions, command: Command) => listChannels(openInvocation(edge, command), options),
  );
  addMembership(channel, edge);
  withPageOptions(channel.command("members").description("who is in it").argument("<channel>")).action(
    (name: string, options: PageOptions, command: Command) =>
      listMembers(openInvocation(edge, command), bareName(name), options),
  );
  withSendOptions(channel.command("send").description("send to all members").argument("<channel>")).action(
    (name: string, text: string | undefined, options: SendOptions, command: Command) =>
      sendMessage(openInvocation(edge, command), `#${bareName(name)}`, text, options),
  );
  channel
    .command("delete")
    .description("end a channel that is yours; what was sent still arrives")
    .argument("<channel>")
    .action(async (name: string, _options: object, command: Command) => {
      const run = openInvocation(edge, command);
      await callHub(readerAccess(run), { method: "DELETE", path: pathOf("channels", bareName(name)) });
      await tell(run, { id: bareName(name), deleted: true }, `deleted #${bareName(name)}`);
    });
}

function addCreate(channel: Command, edge: ProcessEdge): void {
  channel
    .command("create")
    .description("make a channel; you are in it")
    .argument("<channel>", "its name: lower-case letters, digits, hyphens")
    .option("--member <agent>", "an agent that is in it at once; repeat, or separate by commas", collect)
    .option("--description <text>", "what it is for")
    .option("--private", "only members may bring in others")
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const run = openInvocation(edge, command);
      const { member: members, description, private: isPrivate } = options;
      const body = { name: bareName(name), members, description, private: isPrivate };
      const answer = await callHub(agentAccess(run), { method: "POST", path: "/channels", body });
      await tell(run, answer, `created #${textMember(answer, "id") ?? bareName(name)}`);
    });
}

function addMembership(channel: Command, edge: ProcessEdge): void {
  for (const [verb, done, meaning] of [
    ["join", "joined", "be a member from now on"],
    ["leave", "left", "be a member no more"],
  ] as const) {
    channel
      .command(verb)
      .description(meaning)
      .argument("<channel>")
      .action(async (name: string, _options: object, command: Command) => {
        const run = openInvocation(edge, command);
        const path = pathOf("channels", bareName(name), verb);
        const answer = await callHub(agentAccess(run), { method: "POST", path });
        await tell(run, { id: bareName(name), ...answer, [done]: true }, `${done} #${bareName(name)}`);
      });
  }
  channel
    .command("add")
    .description("bring others in")
    .argument("<channel>")
    .argument("<agents...>")
    .action(async (name: string, members: readonly string[], _options: object, command: Command) => {
      const run = openInvocation(edge, command);
      const path = pathOf("channels", bareName(name), "members");
      const answer = await callHub(agentAccess(run), { method: "POST", path, body: { members } });
      await tell(run, answer, `added to #${bareName(name)}: ${members.join(", ")}`);
    });
}

async function listChannels(run: Invocation, { limit, cursor }: PageOptions): Promise<void> {
  const answer = await callHub(readerAccess(run), { path: "/channels", query: { limit, cursor } });
  const { terminal } = run;
  await terminal.result(answer, () =>
    terminal.table<Answer>(
      [
        { title: "CHANNEL", text: (row) => `#${textMember(row, "id") ?? "-"}` },
        { title: "MEMBERS", text: (row) => String(numberMember(row, "member_count") ?? "-") },
        { title: "YOU", text: (row) => (row["is_member"] === true ? "member" : "-") },
        { title: "OWNER", text: (row) => textMember(row, "owner") ?? "-" },
        { title: "KIND", text: (row) => (row["private"] === true ? "private" : "open") },
        { title: "DESCRIPTION", text: (row) => textMember(row, "description") ?? "", shrinks: true },
      ],
      objectsMember(answer, "channels"),
    ),
  );
  await noteMore(terminal, answer);
}

async function listMembers(run: Invocation, name: string, { limit, cursor }: PageOptions): Promise<void> {
  const path = pathOf("channels", name, "members");
  const answer = await callHub(readerAccess(run), { path, query: { limit, cursor } });
  await run.terminal.result(answer, () => textsMember(answer, "members").map(safeText));
  await noteMore(run.terminal, answer);
}

function tell(run: Invocation, document: Answer, line: string): Promise<void> {
  return run.terminal.result(document, () => [safeText(line)]);
}

function bareName(name: string): string {
  return name.startsWith("#") ? name.slice(1) : name;
}
