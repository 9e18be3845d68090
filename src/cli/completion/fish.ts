import { allCommands, type OptionWord, type WordTree } from "./word-tree.ts";

/** One line for each command and each option. */
export function fishScript(tree: WordTree): string {
  const lines = [
    "# meshkore completion for fish: meshkore completion fish | source",
    "complete -c meshkore -f",
    ...tree.options.map((option) => optionLine(option, "")),
    ...allCommands(tree).flatMap((command) => linesBelow(command, tree)),
  ];
  return `${lines.join("\n")}\n`;
}

function linesBelow(command: WordTree, tree: WordTree): string[] {
  const where = condition(command);
  const names = command.commands.map(({ name }) => name);
  const children = command.commands.map(({ name, description }) => {
    const open =
      names.length === 0 ? where : `${where}; and not __fish_seen_subcommand_from ${names.join(" ")}`;
    return `complete -c meshkore -n '${open}' -a ${name} -d '${quoted(description)}'`;
  });
  if (command === tree) return children;
  const options = command.options.map((option) => optionLine(option, ` -n '${where}'`));
  const files = command.takesPath ? [`complete -c meshkore -n '${where}' -F`] : [];
  return [...children, ...options, ...files];
}

/** All words of the command's path were typed. */
function condition({ path }: WordTree): string {
  if (path === "") return "true";
  return path
    .split(" ")
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join("; and ");
}

function optionLine(option: OptionWord, where: string): string {
  const words = option.words.map((word) =>
    word.startsWith("--") ? ` -l ${word.slice(2)}` : ` -s ${word.slice(1)}`,
  );
  const value = option.takesValue ? (option.isPath ? " -r -F" : " -x") : "";
  return `complete -c meshkore${where}${words.join("")}${value} -d '${quoted(option.description)}'`;
}

function quoted(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
