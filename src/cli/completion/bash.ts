import { allCommands, type OptionWord, type WordTree } from "./word-tree.ts";

/** For bash 3.2 and later, without the package bash-completion. */
export function bashScript(tree: WordTree): string {
  const shared = tree.options;
  const cases = allCommands(tree).map((command) => {
    const own = command === tree ? shared : [...command.options, ...shared];
    const words = [...command.commands.map(({ name }) => name), ...own.flatMap((option) => option.words)];
    const files = command.takesPath ? " files=1" : "";
    return `    "${command.path}") words="${[...new Set(words)].join(" ")}"${files} ;;`;
  });
  return `# meshkore completion for bash: source <(meshkore completion bash)
_meshkore() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="" path="" next word words="" files="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$previous" in
      ${alternatives(valued(tree))}) previous="" ; continue ;;
    esac
    previous="$word"
    case "$word" in -*) continue ;; esac
    next="\${path:+$path }$word"
    case "$next" in
      ${allCommands(tree)
        .filter(({ path }) => path !== "")
        .map(({ path }) => `"${path}"`)
        .join(" | ")}) path="$next" ;;
    esac
  done
  COMPREPLY=()
  case "$previous" in
    ${alternatives(valued(tree).filter(({ isPath }) => isPath))})
      COMPREPLY=($(compgen -f -- "$current")) ; return ;;
    ${alternatives(valued(tree).filter(({ isPath }) => !isPath))}) return ;;
  esac
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _meshkore meshkore
`;
}

/** Options that a value follows. */
function valued(tree: WordTree): readonly OptionWord[] {
  return allCommands(tree).flatMap(({ options }) => options.filter(({ takesValue }) => takesValue));
}

function alternatives(options: readonly OptionWord[]): string {
  return [...new Set(options.flatMap(({ words }) => words))].join(" | ");
}
