import { styleText } from "node:util";
import type { CliError } from "../cli-error.ts";
import type { OutStream, ProcessEdge } from "../process-edge.ts";
import { safeJson, safeText } from "./safe-text.ts";
import { type Column, tableLines } from "./table.ts";
import { relativeTime } from "./time-text.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export interface TerminalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

/** The reader of stdout went away: there is nobody left to tell, so it is no error. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/**
 * What the user sees. Foreign text goes through `safe` or a table before it gets here; JSON is made safe here.
 * Writes answer when the text is with the system. @throws OutputClosed
 */
export interface Terminal {
  readonly isJson: boolean;
  /** A person watches stdout. */
  readonly isInteractive: boolean;
  /** The result: one JSON document, or the lines for people. */
  result(document: unknown, lines: () => readonly string[]): Promise<void>;
  /** One JSON document on a line of its own. */
  jsonLine(value: unknown): Promise<void>;
  lines(lines: readonly string[]): Promise<void>;
  /** For people only, on stderr. */
  note(line: string): Promise<void>;
  /** On stderr, also for machines. */
  warn(code: string, message: string): Promise<void>;
  fail(error: CliError): Promise<void>;
  style(style: Style, text: string): string;
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly string[];
  /** Relative where a person watches, ISO 8601 elsewhere; text that is no time is shown as it is. */
  time(time: string | undefined): string;
}

export function createTerminal(edge: ProcessEdge, options: TerminalOptions): Terminal {
  const isInteractive = edge.stdout.isTTY === true;
  const painter = (stream: OutStream) => {
    const isColoured = mayColour(edge, stream, options);
    return (style: Style, text: string): string =>
      isColoured ? styleText(style, text, { validateStream: false }) : text;
  };
  const style = painter(edge.stdout);
  const styleOnStderr = painter(edge.stderr);
  const lines = (texts: readonly string[]): Promise<void> =>
    texts.length === 0 ? Promise.resolve() : write(edge.stdout, `${texts.join("\n")}\n`);
  return {
    isJson: options.json,
    isInteractive,
    style,
    lines,
    result: (document, texts) => (options.json ? lines([safeJson(document)]) : lines(texts())),
    jsonLine: (value) => lines([safeJson(value)]),
    note: async (line) => {
      if (!options.json && !options.quiet) await write(edge.stderr, `${line}\n`);
    },
    warn: (code, message) => {
      if (options.json) return write(edge.stderr, `${safeJson({ warning: { code, message } })}\n`);
      return write(edge.stderr, `${styleOnStderr("yellow", "warning:")} ${safeText(message)}\n`);
    },
    fail: (error) => {
      if (options.json) return write(edge.stderr, `${safeJson({ error: errorDocument(error) })}\n`);
      const head = `${styleOnStderr("red", "error:")} ${safeText(error.message)}\n`;
      const hint =
        error.hint === undefined ? "" : `${styleOnStderr("cyan", "hint:")} ${safeText(error.hint)}\n`;
      return write(edge.stderr, head + hint);
    },
    table: (columns, rows) =>
      tableLines(columns, rows, {
        width: isInteractive ? edge.stdout.columns : undefined,
        titleStyle: (text) => style("dim", text),
      }),
    time: (time) => timeText(time, isInteractive ? edge.nowUnixMs() : undefined),
  };
}

function mayColour(edge: ProcessEdge, stream: OutStream, options: TerminalOptions): boolean {
  const forbidden = (edge.env["NO_COLOR"] ?? "") !== "" || edge.env["TERM"] === "dumb";
  return stream.isTTY === true && options.color && !options.json && !forbidden;
}

function errorDocument(error: CliError): Record<string, unknown> {
  return { code: error.code, message: error.message, hint: error.hint, retry_after_s: error.retryAfterS };
}

function timeText(time: string | undefined, nowUnixMs: number | undefined): string {
  if (time === undefined) return "-";
  const unixMs = Date.parse(time);
  return nowUnixMs === undefined || Number.isNaN(unixMs) ? time : relativeTime(unixMs, nowUnixMs);
}

function write(stream: OutStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(new OutputClosed(error.message, { cause: error }));
    });
  });
}
