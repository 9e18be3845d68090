import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import type { Answer } from "../hub/answer.ts";
import { callHub } from "../hub/hub-client.ts";
import { agentAccess, type Invocation, openInvocation } from "../invocation.ts";
import { readStdin } from "../payload-input.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { factLines } from "../terminal/facts.ts";

const PATH = "/profile/reach/credential";

interface SetOptions {
  readonly header?: string;
  readonly file?: string;
}

/** `reach credential set|show|remove`: what the hub shows to the agent elsewhere that you stand for. */
export function addReachCommand(program: Command, edge: ProcessEdge): void {
  const credential = program
    .command("reach")
    .description("where you are reached, if you live elsewhere (see 'reach' in your profile)")
    .command("credential")
    .description("what the hub shows to the agent that you stand for");
  credential
    .command("set")
    .description("send a token, or a header of your own, with each call there; the secret comes from stdin")
    .argument("<origin>", "the only place that it is sent to, such as https://agent.example")
    .option("--header <name>", "header that is the secret; without it the secret is a Bearer token")
    .option("--file <path>", "read the secret from a file instead")
    .action((origin: string, options: SetOptions, command: Command) =>
      setCredential(openInvocation(edge, command), origin, options),
    );
  credential
    .command("show")
    .description("for where one is set, and in which header; never the secret")
    .action(async (_options: object, command: Command) => {
      const run = openInvocation(edge, command);
      await show(run, await callHub(agentAccess(run), { path: PATH }));
    });
  credential
    .command("remove")
    .description("send it no more")
    .action(async (_options: object, command: Command) => {
      const run = openInvocation(edge, command);
      await callHub(agentAccess(run), { method: "DELETE", path: PATH });
      await run.terminal.result({ removed: true }, () => ["removed"]);
    });
}

/** Never as an argument: others on the machine see those. */
async function setCredential(run: Invocation, origin: string, { header, file }: SetOptions): Promise<void> {
  const access = agentAccess(run);
  const secret = (await (file === undefined ? readStdin(run.edge) : readSecret(file))).replace(/\r?\n$/, "");
  if (secret === "") throw usageError("there is no secret", "write it to stdin, or name a file with --file");
  const body = header === undefined ? { origin, bearer: secret } : { origin, header, value: secret };
  await show(run, await callHub(access, { method: "PUT", path: PATH, body }));
}

async function readSecret(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw usageError(`cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

async function show({ terminal }: Invocation, answer: Answer): Promise<void> {
  await terminal.result(answer, () => factLines(terminal, Object.entries(answer)));
}
