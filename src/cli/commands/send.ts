import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-code.ts";
import { isAnswer, textMember } from "../hub/answer.ts";
import { callHub } from "../hub/hub-client.ts";
import { agentAccess, type Invocation, openInvocation } from "../invocation.ts";
import { secondsFromDuration, wholeNumber } from "../option-value.ts";
import { bodyWithPayload, type PayloadOptions, readPayload } from "../payload-input.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { payloadText } from "../terminal/message-line.ts";
import { safeText } from "../terminal/safe-text.ts";

export interface SendOptions extends PayloadOptions {
  readonly wait?: number;
  readonly replyTo?: string;
  readonly dedupeKey?: string;
  readonly ttl?: number;
}

const MAX_WAIT_S = 60;

/** `send`: one message to an agent or a channel. */
export function addSendCommand(program: Command, edge: ProcessEdge): void {
  const send = program
    .command("send")
    .description("send a message; done when the hub has it for good")
    .argument("<to>", "agent, agent@hub, or '#channel'");
  withSendOptions(send)
    .option("--wait <seconds>", "wait for the reply, at most 60, and print it", wholeNumber(1, MAX_WAIT_S))
    .option("--reply-to <message>", "id of the message that this one answers")
    .addHelpText("after", SEND_EXAMPLES)
    .action((to: string, text: string | undefined, options: SendOptions, command: Command) =>
      sendMessage(openInvocation(edge, command), to, text, options),
    );
}

const SEND_EXAMPLES = `
Examples:
  meshkore send bob "hello"
  meshkore send bob --json-payload '{"task": "translate", "text": "hola"}' --wait 20
  echo "from a pipe" | meshkore send '#team' -`;

/** What sending to an agent and to a channel have in common. */
export function withSendOptions(command: Command): Command {
  return command
    .argument("[text]", "the text, or - to read it from stdin")
    .option("--json-payload <json>", "send JSON instead of text (- = from stdin)")
    .option("--file <file>", "send a file: .json as JSON, UTF-8 as text, all else as bytes")
    .option("--dedupe-key <key>", "makes it safe to run this again: a known key sends nothing")
    .option(
      "--ttl <duration>",
      "forget the message if it is not read in time: 90s, 15m, 1h",
      secondsFromDuration,
    );
}

export async function sendMessage(
  run: Invocation,
  to: string,
  text: string | undefined,
  options: SendOptions,
): Promise<void> {
  const payload = await readPayload(run.edge, text, options);
  const members = {
    to,
    reply_to: options.replyTo,
    dedupe_key: options.dedupeKey,
    ttl_s: options.ttl,
  };
  const answer = await callHub(agentAccess(run), {
    method: "POST",
    path: "/send",
    query: { wait: options.wait },
    body: bodyWithPayload(members, payload),
    waitS: options.wait ?? 0,
  });
  const id = textMember(answer, "message_id") ?? "-";
  const accepted = `accepted ${id}${answer["duplicate"] === true ? " (sent before: nothing new)" : ""}`;
  if (options.wait === undefined) {
    await run.terminal.result(answer, () => [safeText(accepted)]);
    return;
  }
  const { reply } = answer;
  await run.terminal.note(safeText(accepted));
  await run.terminal.result(answer, () => (isAnswer(reply) ? [payloadText(reply)] : []));
  if (!isAnswer(reply)) throw noReply(to, id, options.wait);
}

function noReply(to: string, id: string, waitS: number): CliError {
  return new CliError(`no reply from ${to} within ${waitS} s`, {
    exitCode: EXIT.retryable,
    code: "no_reply",
    hint: `the message is with the hub; a later reply comes to your inbox ('meshkore status ${id}')`,
  });
}
