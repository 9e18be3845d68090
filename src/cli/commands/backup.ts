import type { Command } from "commander";
import { objectsMember, textMember } from "../hub/answer.ts";
import { amountMember, callOperator } from "../hub/operator-call.ts";
import { type Invocation, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { bytesText } from "../terminal/amount-text.ts";
import { factLines } from "../terminal/facts.ts";
import { safeText } from "../terminal/safe-text.ts";

/** A large log takes a while to copy and to hash. */
const BACKUP_WAIT_S = 3600;

/** `backup` and `backup verify`: a copy of all that a hub keeps. */
export function addBackupCommand(program: Command, edge: ProcessEdge): void {
  const backup = program
    .command("backup")
    .description("copy all that the running hub keeps, on the hub's machine (operator)")
    .option("--name <name>", "of the folder (default: made of the time)")
    .action((options: { readonly name?: string }, command: Command) =>
      createBackup(openInvocation(edge, command), options.name ?? ""),
    );
  backup
    .command("verify")
    .description("whether every file of a backup is as it was when it was made")
    .argument("<folder>")
    .action((folder: string, _options: object, command: Command) =>
      verifyBackup(openInvocation(edge, command), folder),
    );
}

async function createBackup(run: Invocation, name: string): Promise<void> {
  const answer = await callOperator(run, "CreateBackup", { name }, { waitS: BACKUP_WAIT_S });
  const files = objectsMember(answer, "files");
  const bytes = files.reduce((sum, file) => sum + amountMember(file, "bytes"), 0);
  const path = textMember(answer, "path") ?? "";
  const document = { path, bytes, files, created_at: timeOf(amountMember(answer, "createdUnixMs")) };
  await run.terminal.result(document, () => [safeText(path)]);
  await run.terminal.note(
    `${files.length} files, ${bytesText(bytes)}. It holds keys and secrets: keep it as private as the hub's data.`,
  );
}

async function verifyBackup(run: Invocation, folder: string): Promise<void> {
  const offline = await import("../../offline.ts");
  const manifest = await offline.verifyBackup(folder);
  const { counts } = manifest;
  await run.terminal.result({ ok: true, ...manifest }, () =>
    factLines(run.terminal, [
      ["backup", "every file is as it was made"],
      ["made", `${manifest.created_at} by version ${manifest.hub_version} at ${manifest.hub_id}`],
      ["holds", `${counts.agents} agents, ${counts.channels} channels, ${counts.streams} streams`],
      ["size", bytesText(manifest.files.reduce((sum, { bytes }) => sum + bytes, 0))],
    ]),
  );
}

function timeOf(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
