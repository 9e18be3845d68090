import type { Command } from "commander";
import { EndWith } from "../end-with.ts";
import { EXIT } from "../exit-code.ts";
import { callOperator } from "../hub/operator-call.ts";
import { type Invocation, openInvocation, operatorAccess } from "../invocation.ts";
import { wholeNumber } from "../option-value.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { openScreen } from "../terminal/screen.ts";
import { type Sample, sampleFromAnswer, topDocument, topLines } from "../terminal/top-picture.ts";

const REFRESH_MS = 1000;

interface TopOptions {
  readonly once?: boolean;
  readonly limit: number;
}

/** `top`: what goes on in the hub, refreshed each second. */
export function addTopCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("top")
    .description("what goes on in the hub now, refreshed each second; Ctrl-C ends it (operator)")
    .option("--once", "one look, over one second; without a terminal there is no other way")
    .option("--limit <count>", "inboxes to show", wholeNumber(1, 100), 10)
    .action(async (options: TopOptions, command: Command) => {
      const run = openInvocation(edge, command);
      const isLive = options.once !== true && !run.terminal.isJson && run.terminal.isInteractive;
      await (isLive ? watch(run, options.limit) : lookOnce(run, options.limit));
    });
}

/** Rates need two looks. */
async function lookOnce(run: Invocation, limit: number): Promise<void> {
  const before = await sample(run, limit);
  await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  const now = await sample(run, limit);
  const url = operatorAccess(run).url;
  await run.terminal.result(topDocument(before, now), () => topLines(run.terminal, { url, before, now }));
}

async function watch(run: Invocation, limit: number): Promise<void> {
  const stopped = new AbortController();
  const forget = run.edge.onInterrupt(() => stopped.abort());
  try {
    await refresh(run, limit, stopped.signal);
  } catch (thrown) {
    if (!stopped.signal.aborted) throw thrown;
  } finally {
    forget();
  }
  throw new EndWith(EXIT.interrupted);
}

async function refresh(run: Invocation, limit: number, signal: AbortSignal): Promise<void> {
  const url = operatorAccess(run).url;
  // Before the screen changes: what fails at once is told where the user sees it.
  let before = await sample(run, limit, signal);
  let now = before;
  const screen = await openScreen(run.edge.stdout);
  try {
    while (!signal.aborted) {
      await screen.show(topLines(run.terminal, { url, before, now }));
      await sleep(REFRESH_MS, signal);
      before = now;
      now = await sample(run, limit, signal);
    }
  } finally {
    await screen.close();
  }
}

async function sample(run: Invocation, limit: number, signal?: AbortSignal): Promise<Sample> {
  const options = signal === undefined ? {} : { signal };
  return sampleFromAnswer(await callOperator(run, "GetActivity", { limit }, options));
}

/** Shorter when the signal comes. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
