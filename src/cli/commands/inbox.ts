import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import { EndWith } from "../end-with.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { objectsMember, textMember } from "../hub/answer.ts";
import { callHub } from "../hub/hub-client.ts";
import { followInbox } from "../hub/inbox-follower.ts";
import { agentAccess, type Invocation, openInvocation } from "../invocation.ts";
import { wholeNumber } from "../option-value.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { messageColumns, messageLine } from "../terminal/message-line.ts";

interface InboxOptions {
  readonly follow?: boolean;
  readonly limit?: number;
  readonly ack: boolean;
  readonly cursor?: string;
  readonly wait?: number;
}

const MAX_PAGE = 500;
const MAX_WAIT_S = 60;

/** `inbox`: what came in, once or from now on. */
export function addInboxCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("inbox")
    .description("print new messages and acknowledge them")
    .option("-f, --follow", "go on printing what comes in, until Ctrl-C")
    .option(
      "--limit <n>",
      "at most so many messages (with --follow: end after them)",
      wholeNumber(1, 1_000_000_000),
    )
    .option("--no-ack", "do not acknowledge: the same messages come again")
    .option("--cursor <cursor>", "start after this place instead of after what was acknowledged")
    .option(
      "--wait <seconds>",
      "wait for a message when there is none, at most 60",
      wholeNumber(0, MAX_WAIT_S),
    )
    .addHelpText("after", "\nWith --json, --follow prints one JSON document a line.")
    .action((options: InboxOptions, command: Command) => {
      const run = openInvocation(edge, command);
      return options.follow === true ? follow(run, options) : readOnce(run, options);
    });
}

async function readOnce(run: Invocation, options: InboxOptions): Promise<void> {
  if ((options.limit ?? 1) > MAX_PAGE) {
    throw usageError(`--limit is at most ${MAX_PAGE}`, "run it again for the next ones, or use --follow");
  }
  const access = agentAccess(run);
  const page = await callHub(access, {
    path: "/messages",
    query: { limit: options.limit, cursor: options.cursor, wait: options.wait, ack: "manual" },
    waitS: options.wait ?? 0,
  });
  const messages = objectsMember(page, "messages");
  const { terminal } = run;
  if (messages.length === 0) {
    await terminal.result(page, () => []);
    await terminal.note("no new messages");
    return;
  }
  await terminal.result(page, () => terminal.table(messageColumns(terminal), messages));
  const cursor = textMember(page, "cursor");
  if (options.ack && cursor !== undefined) {
    await callHub(access, { method: "POST", path: "/messages/ack", body: { cursor } });
  }
}

async function follow(run: Invocation, options: InboxOptions): Promise<void> {
  if (options.wait !== undefined) throw usageError("--wait and --follow exclude each other");
  const { terminal } = run;
  const access = agentAccess(run);
  const stop = new AbortController();
  let endsWith: ExitCode = EXIT.ok;
  const release = run.edge.onInterrupt((signal) => {
    endsWith = signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
    stop.abort();
    // A second one ends the process at once, should the output be stuck.
    release();
  });
  try {
    await terminal.note("waiting for messages, Ctrl-C ends");
    await followInbox(access, {
      cursor: options.cursor,
      limit: options.limit ?? Number.POSITIVE_INFINITY,
      acks: options.ack,
      signal: stop.signal,
      warn: terminal.warn,
      show: async (messages) => {
        if (!terminal.isJson)
          return terminal.lines(messages.map((message) => messageLine(terminal, message)));
        for (const message of messages) await terminal.jsonLine(message);
      },
    });
  } finally {
    release();
  }
  if (endsWith !== EXIT.ok) throw new EndWith(endsWith);
}
