import { allCommands, type OptionWord, type WordTree } from "./word-tree.ts";

/** One function for each command that has others below it, and `_arguments` for the rest. */
export function zshScript(tree: WordTree): string {
  return `#compdef meshkore
# meshkore completion for zsh: source <(meshkore completion zsh), after compinit
${allCommands(tree)
  .map((command) => functionOf(command, tree))
  .join("\n")}
compdef _meshkore meshkore
`;
}

function functionOf(command: WordTree, tree: WordTree): string {
  const shared = command === tree ? [] : tree.options;
  const options = [...command.options, ...shared].flatMap(optionLines);
  const rest =
    command.commands.length > 0 ? commandLines(command) : [`    '*:: :${command.takesPath ? "_files" : ""}'`];
  return `${functionName(command)}() {
  local context state line
  _arguments -C \\
${[...options, ...(command.commands.length > 0 ? ["    '1: :->command'", "    '*:: :->rest'"] : rest)].join(" \\\n")}
${command.commands.length > 0 ? dispatch(command) : ""}}`;
}

function commandLines(command: WordTree): string[] {
  return command.commands.map(({ name, description }) => `      '${name}:${quoted(description)}'`);
}

function dispatch(command: WordTree): string {
  const cases = command.commands.map((child) => `        ${child.name}) ${functionName(child)} ;;`);
  return `  case $state in
    command)
      local -a commands=(
${commandLines(command).join("\n")}
      )
      _describe 'command' commands ;;
    rest)
      case $line[1] in
${cases.join("\n")}
      esac ;;
  esac
`;
}

function optionLines(option: OptionWord): string[] {
  const value = option.takesValue ? `: :${option.isPath ? "_files" : ""}` : "";
  return option.words.map((word) => `    '${word}[${quoted(option.description)}]${value}'`);
}

function functionName({ path }: WordTree): string {
  return `_meshkore${path === "" ? "" : `_${path.replaceAll(/[ -]/g, "_")}`}`;
}

/** Within single quotes; brackets and colons mean something to _arguments. */
function quoted(text: string): string {
  return text.replaceAll(/([[\]:\\])/g, "\\$1").replaceAll("'", "'\\''");
}
