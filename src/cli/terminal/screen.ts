import type { OutStream } from "../process-edge.ts";
import { OutputClosed } from "./terminal.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const HOME = "\u001b[H";
const CLEAR_LINE_END = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
const OTHER_SCREEN = "\u001b[?1049h";
const BACK = "\u001b[?1049l";

/** A picture that changes in place, on the terminal's other screen: what was there before comes back at the end. */
export interface Screen {
  /** Lines beyond the terminal's height are left out. @throws OutputClosed */
  show(lines: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export async function openScreen(stream: OutStream): Promise<Screen> {
  await write(stream, OTHER_SCREEN + HIDE_CURSOR);
  return {
    async show(lines) {
      const shown = lines.slice(0, Math.max(1, (stream.rows ?? 24) - 1));
      // Over what is there, line by line: clearing first would flicker.
      await write(stream, `${HOME}${shown.map((line) => line + CLEAR_LINE_END).join("\n")}\n${CLEAR_BELOW}`);
    },
    close: () => write(stream, SHOW_CURSOR + BACK).catch(() => undefined),
  };
}

function write(stream: OutStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(new OutputClosed(error.message, { cause: error }));
    });
  });
}
