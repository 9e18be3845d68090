import type { Command } from "commander";
import { type Answer, textMember } from "./hub/answer.ts";
import { wholeNumber } from "./option-value.ts";
import { safeText } from "./terminal/safe-text.ts";
import type { Terminal } from "./terminal/terminal.ts";

export interface PageOptions {
  readonly limit?: number;
  readonly cursor?: string;
}

const MAX_PAGE = 500;

/** For commands that list what may be long. */
export function withPageOptions(command: Command): Command {
  return command
    .option("--limit <n>", "at most so many, 1 to 500", wholeNumber(1, MAX_PAGE))
    .option("--cursor <cursor>", "go on where the last page ended");
}

/** Tells people that there is another page; machines find the cursor in the answer. */
export async function noteMore(terminal: Terminal, answer: Answer): Promise<void> {
  const cursor = textMember(answer, "cursor");
  if (cursor !== undefined) await terminal.note(safeText(`more: --cursor ${cursor}`));
}
