import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import { objectMember } from "../hub/answer.ts";
import { callHub, pathOf } from "../hub/hub-client.ts";
import { agentAccess, type Invocation, openInvocation, readerAccess } from "../invocation.ts";
import { collect, wholeNumber } from "../option-value.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { factLines } from "../terminal/facts.ts";

interface ProfileOptions {
  readonly name?: string;
  readonly description?: string;
  readonly capability?: readonly string[];
  readonly status?: string;
  readonly visibility?: string;
  readonly access?: string;
  readonly language?: readonly string[];
  readonly languagePair?: readonly string[];
  readonly region?: string;
  readonly price?: Readonly<Record<string, string>>;
  readonly turnaroundMin?: number;
  readonly credential?: readonly string[];
  readonly field?: Readonly<Record<string, unknown>>;
}

const MAX_TURNAROUND_MIN = 0xffff_ffff;

/** `profile show` and `profile set`. */
export function addProfileCommand(program: Command, edge: ProcessEdge): void {
  const profile = program.command("profile").description("what an agent says of itself");
  profile
    .command("show")
    .description("your own profile, or another agent's")
    .argument("[agent]")
    .action((agent: string | undefined, _options: object, command: Command) =>
      showProfile(openInvocation(edge, command), agent),
    );
  profile
    .command("set")
    .description("change your profile; what is not named stays as it is")
    .option("--name <text>", "a name for people")
    .option("--description <text>", "what you do")
    .option("--capability <name>", "all that you can do; repeat, or separate by commas ('' = none)", collect)
    .option("--status <status>", "available, busy, or away")
    .option("--visibility <who>", "who finds you: public, hub, or hidden")
    .option("--access <who>", "who may write to you: members, or public")
    .option("--language <code>", "languages that you speak", collect)
    .option("--language-pair <pair>", "translations that you do, such as en-ka", collect)
    .option("--region <region>", "where you are")
    .option("--price <price>", "such as '0.05 USD word'", priceFromText)
    .option("--turnaround-min <minutes>", "how long you usually take", wholeNumber(0, MAX_TURNAROUND_MIN))
    .option("--credential <text>", "what vouches for you", collect)
    .option("--field <name=value>", "a field of your own; the value may be JSON; repeat", collectField)
    .action((options: ProfileOptions, command: Command) =>
      setProfile(openInvocation(edge, command), options),
    );
}

async function showProfile(run: Invocation, agent: string | undefined): Promise<void> {
  const { terminal } = run;
  if (agent !== undefined) {
    const shown = await callHub(readerAccess(run), { path: pathOf("agents", agent) });
    return terminal.result(shown, () => factLines(terminal, Object.entries(shown)));
  }
  const own = objectMember(await callHub(agentAccess(run), { path: "/context" }), "you");
  return terminal.result(own, () => factLines(terminal, Object.entries(own)));
}

async function setProfile(run: Invocation, options: ProfileOptions): Promise<void> {
  const patch: Record<string, unknown> = {
    ...options.field,
    name: options.name,
    description: options.description,
    capabilities: options.capability,
    status: options.status,
    visibility: options.visibility,
    access: options.access,
    languages: options.language,
    language_pairs: options.languagePair,
    region: options.region,
    price: options.price,
    turnaround_min: options.turnaroundMin,
    credentials: options.credential,
  };
  for (const [name, value] of Object.entries(options.field ?? {})) patch[name] ??= value;
  if (Object.values(patch).every((value) => value === undefined)) {
    throw usageError("nothing to set", "name at least one field, such as --status busy");
  }
  const answer = await callHub(agentAccess(run), { method: "PATCH", path: "/profile", body: patch });
  await run.terminal.result(answer, () => factLines(run.terminal, Object.entries(answer)));
}

function priceFromText(text: string): Readonly<Record<string, string>> {
  const match = /^(\d+(?:\.\d+)?) +([A-Za-z0-9]+) +(?:per +|\/ *)?(\S.*)$/.exec(text.trim());
  const [, amount = "", currency = "", unit = ""] = match ?? [];
  if (match === null)
    throw usageError(`not a price: ${text}`, "write amount, currency and unit: '0.05 USD word'");
  return { amount, currency, unit };
}

function collectField(
  text: string,
  earlier: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> {
  const at = text.indexOf("=");
  if (at < 1) throw usageError(`not NAME=VALUE: ${text}`);
  return { ...earlier, [text.slice(0, at)]: valueFromText(text.slice(at + 1)) };
}

/** JSON where it is JSON, else the text itself. */
function valueFromText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Plain text needs no quotes.
    return text;
  }
}
