import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { cliErrorFromUnknown, usageError } from "./cli-error.ts";
import { addAgentCommand } from "./commands/agent.ts";
import { addAgentsCommand } from "./commands/agents.ts";
import { addBackupCommand } from "./commands/backup.ts";
import { addBlocksCommand } from "./commands/blocks.ts";
import { addChannelCommand } from "./commands/channel.ts";
import { addCompletionCommand } from "./commands/completion.ts";
import { addConfigCommand } from "./commands/config.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addHistoryCommand } from "./commands/history.ts";
import { addInboxCommand } from "./commands/inbox.ts";
import { addInviteCommand } from "./commands/invite.ts";
import { addJoinCommand } from "./commands/join.ts";
import { addKeyCommand } from "./commands/key.ts";
import { addProfileCommand } from "./commands/profile.ts";
import { addReachCommand } from "./commands/reach.ts";
import { addRestoreCommand } from "./commands/restore.ts";
import { addSendCommand } from "./commands/send.ts";
import { addStartCommand } from "./commands/start.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addTokenSecretCommand } from "./commands/token-secret.ts";
import { addTopCommand } from "./commands/top.ts";
import { addWhoamiCommand } from "./commands/whoami.ts";
import { EndWith } from "./end-with.ts";
import { EXIT, EXIT_MEANINGS, type ExitCode } from "./exit-code.ts";
import { type GlobalOptions, terminalOptions } from "./invocation.ts";
import type { ProcessEdge } from "./process-edge.ts";
import { createTerminal, OutputClosed } from "./terminal/terminal.ts";

/** In the order of the help text: a hub's life, then an agent's. */
const COMMANDS: readonly ((program: Command, edge: ProcessEdge) => void)[] = [
  addStartCommand,
  addInviteCommand,
  addJoinCommand,
  addSendCommand,
  addInboxCommand,
  addAgentsCommand,
  addChannelCommand,
  addHistoryCommand,
  addStatusCommand,
  addProfileCommand,
  addWhoamiCommand,
  addBlocksCommand,
  addReachCommand,
  addKeyCommand,
  addAgentCommand,
  addTokenSecretCommand,
  addTopCommand,
  addDoctorCommand,
  addBackupCommand,
  addRestoreCommand,
  addConfigCommand,
  addCompletionCommand,
];

/**
 * Runs one command to its end and answers with the exit code; every error is told on stderr here and nowhere else.
 */
export async function runCommandLine(args: readonly string[], edge: ProcessEdge): Promise<ExitCode> {
  const program = createProgram(edge);
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (thrown) {
    return await endAfter(thrown, args, edge);
  }
}

/** The whole tree of commands; nothing runs before it parses. */
export function createProgram(edge: ProcessEdge): Command {
  const program = new Command("meshkore")
    .description("MeshKore: a durable message hub for AI agents.")
    .version(readVersion(), "--version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => edge.stdout.write(text, () => undefined),
      writeErr: (text) => edge.stderr.write(text, () => undefined),
      outputError: () => undefined,
      getOutHelpWidth: () => edge.stdout.columns ?? 100,
      getErrHelpWidth: () => edge.stderr.columns ?? 100,
    })
    .option("--url <url>", "the hub (default: where you joined, else http://127.0.0.1:7400)")
    .option("--as <agent>", "act as this agent, of those that you joined as")
    .option("--json", "one JSON document on stdout; errors as JSON on stderr")
    .option(
      "--data-dir <dir>",
      "the hub's data directory: 'start' uses it, operators' commands read its token",
    )
    .option("--config <file>", "settings, one NAME=value a line; the environment stands above it")
    .option("--no-color", "no colours")
    .option("-q, --quiet", "no notes, only results and errors")
    .addHelpText("after", HELP_END);
  for (const addCommand of COMMANDS) addCommand(program, edge);
  return program;
}

const HELP_END = `
Exit codes:
${EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`).join("\n")}

Environment:
  MESHKORE_URL          the hub
  MESHKORE_API_KEY      the key of the agent to act as
  MESHKORE_CREDENTIALS  where 'join' keeps keys (default: ~/.config/meshkore/credentials.json)
  MESHKORE_CONFIG       a config file, as --config
  NO_COLOR              no colours
  and the hub's settings: 'meshkore config list'

First steps:
  meshkore start
  meshkore invite
  meshkore join http://127.0.0.1:7400/join/NONCE --as alice
  meshkore send bob "hello" --as alice
  meshkore inbox --follow --as bob`;

async function endAfter(thrown: unknown, args: readonly string[], edge: ProcessEdge): Promise<ExitCode> {
  if (thrown instanceof OutputClosed) return EXIT.ok;
  if (thrown instanceof EndWith) return thrown.exitCode;
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok;
  // A group without its command: commander has shown the help by now.
  if (thrown instanceof CommanderError && thrown.code === "commander.help") return EXIT.usage;
  const error = thrown instanceof CommanderError ? usageFromCommander(thrown) : cliErrorFromUnknown(thrown);
  try {
    await createTerminal(edge, terminalOptions(optionsFromArguments(args))).fail(error);
  } catch (failure) {
    // Nobody reads stderr either; the exit code still tells.
    if (!(failure instanceof OutputClosed)) throw failure;
  }
  return error.exitCode;
}

function usageFromCommander(error: CommanderError): ReturnType<typeof usageError> {
  const [message = "", ...more] = error.message.replace(/^error: /, "").split("\n");
  const suggestion = more.join(" ").replace(/[()]/g, "").trim();
  return usageError(
    message,
    suggestion === "" ? "see 'meshkore help', or --help after a command" : suggestion,
  );
}

/** Wrong usage is told before any option is parsed for good, so how to tell it is read from the words themselves. */
function optionsFromArguments(args: readonly string[]): Partial<GlobalOptions> {
  const end = args.indexOf("--");
  const words = end === -1 ? args : args.slice(0, end);
  return { json: words.includes("--json"), color: !words.includes("--no-color") };
}

function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const found: unknown = JSON.parse(text);
  const isObject = typeof found === "object" && found !== null && "version" in found;
  return isObject ? String(found.version) : "unknown";
}
