import type { Input } from "../input.ts";
import type { Observation } from "../throw-input.ts";

/** Nothing of the inside may show: names of errors, places in files, libraries, queries. */
const INSIDE =
  /\b(?:Type|Range|Syntax|Reference|Assertion)Error\b|\bnode:|node_modules|\/src\/[a-z]|\.(?:ts|mjs|js):\d+|\bat [\w.<>]+ \(|SQLITE|MDB_|ECONN|ENOENT|undefined is not|is not a function/;
const INTERNAL = /"code":"internal"|the hub failed to/;
/** Statuses above 499 that are answers: not built yet, try again, the deadline that the client set, no such version. */
const FINE = new Set(["501", "503", "504", "505"]);
/** Close codes of a hub that failed: 1011, and 4500. */
const FAILED_CLOSES = [Buffer.from([0x03, 0xf3]), Buffer.from([0x11, 0x94])];

/** What is wrong with the answer to one input; undefined when nothing is. */
export function faultOf(input: Input, observed: Observation): string | undefined {
  const { answer, failure, isComplete } = observed;
  if (failure !== undefined) return failure;
  if (input.mustAnswer === true && !isComplete) return "no answer came";
  const text = answer.toString("latin1");
  for (const [line, status = ""] of text.matchAll(/HTTP\/1\.1 (5\d\d)[^\r\n]*/g)) {
    if (!FINE.has(status)) return `answered ${line}`;
  }
  const inside = INSIDE.exec(text)?.[0] ?? INTERNAL.exec(text)?.[0];
  if (inside !== undefined) return `the answer tells of the inside: ${inside}`;
  if (closeOf(answer, input)) return "the session failed";
  return undefined;
}

/** Whether the hub closed a session as failed: its close frame is the last that it sent. */
function closeOf(answer: Buffer, { openingEnd }: Input): boolean {
  if (openingEnd === undefined) return false;
  const at = answer.lastIndexOf(0x88);
  const length = answer[at + 1] ?? 0;
  if (at < 0 || at + 2 + length !== answer.length) return false;
  return FAILED_CLOSES.some((code) => answer.subarray(at + 2, at + 4).equals(code));
}

/** As the summary of a run counts it. */
export function answerKind({ answer, isClosed }: Observation): string {
  if (answer.length === 0) return isClosed ? "cut" : "silence";
  const status = /^HTTP\/1\.1 (\d)/.exec(answer.toString("latin1", 0, 12))?.[1];
  if (status !== undefined) return `${status}xx`;
  return isClosed ? "answered and closed" : "answered";
}
