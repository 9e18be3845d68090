import { readFile, writeFile } from "node:fs/promises";
import { arch, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { RoundFigures } from "./round.ts";

const PAGE = fileURLToPath(new URL("../../docs/reliability.md", import.meta.url));
const BEGIN = "<!-- soak figures: written by `npm run soak -- --write` -->";
const END = "<!-- end of soak figures -->";

export interface SoakFigures {
  readonly seed: string;
  readonly writers: number;
  readonly figures: readonly RoundFigures[];
}

/** One line for the terminal. */
export function showFigures(round: RoundFigures, wrong: { lost: number; violations: number }): string {
  const text = Object.entries({ ...round, ...wrong }).map(([name, value]) => `${name}=${value}`);
  return text.join(" ");
}

/** Puts the figures between the markers of the page. @throws when the page has no markers */
export async function writeFigures(run: SoakFigures): Promise<void> {
  const page = await readFile(PAGE, "utf8");
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error("docs/reliability.md has no place for the figures");
  await writeFile(PAGE, `${page.slice(0, begin + BEGIN.length)}\n\n${section(run)}\n${page.slice(end)}`);
}

function section({ seed, writers, figures }: SoakFigures): string {
  const sum = (of: (round: RoundFigures) => number): number =>
    figures.reduce((total, one) => total + of(one), 0);
  const recoveries = figures.map(({ recoveryMs }) => recoveryMs).sort((one, other) => one - other);
  const rows = figures.map(
    (one) =>
      `| ${one.round} | ${one.killedAfterMs} | ${one.sent} | ${one.acknowledged} | ${one.unanswered} | ` +
      `${one.delivered} | ${one.redelivered} | 0 | ${one.recoveryMs} |`,
  );
  return [
    `Seed ${seed}, ${figures.length} rounds, ${writers} writers, Node ${process.versions.node} on ` +
      `${cpus().length} × ${arch()}, ${new Date().toISOString().slice(0, 10)}. Repeat: ` +
      `\`npm run soak -- --rounds ${figures.length} --seed ${seed}\` (the seed fixes what is sent and when the kill ` +
      "comes; how far the machine gets until then differs).",
    "",
    `**${sum((one) => one.acknowledged)} messages acknowledged, 0 lost.** ` +
      `${sum((one) => one.redelivered)} deliveries were repeats. Ready again after a kill: median ` +
      `${recoveries[Math.floor(recoveries.length / 2)]} ms, worst ${recoveries.at(-1)} ms.`,
    "",
    "| round | killed after ms | sent | acknowledged | unanswered | delivered | redelivered | lost | recovery ms |",
    "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ...rows,
    "",
  ].join("\n");
}
