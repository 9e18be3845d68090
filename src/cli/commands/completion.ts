import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { treeFromProgram, type WordTree } from "../completion/word-tree.ts";
import { zshScript } from "../completion/zsh.ts";
import { openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";

const SHELLS: Readonly<Record<string, (tree: WordTree) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** `completion`: a script that completes commands and options in a shell, made of the commands themselves. */
export function addCompletionCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("completion")
    .description("print a script for your shell, as in: source <(meshkore completion bash)")
    .argument("<shell>", Object.keys(SHELLS).join(", "))
    .action(async (shell: string, _options: object, command: Command) => {
      const script = SHELLS[shell];
      if (script === undefined) {
        throw usageError(`no completion for ${shell}`, `there is one for ${Object.keys(SHELLS).join(", ")}`);
      }
      const text = script(treeFromProgram(program));
      const run = openInvocation(edge, command);
      await run.terminal.result({ shell, script: text }, () => text.split("\n"));
    });
}
