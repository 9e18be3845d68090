import type { Command, Option } from "commander";

export interface OptionWord {
  readonly words: readonly string[];
  readonly takesValue: boolean;
  /** A path goes there. */
  readonly isPath: boolean;
  readonly description: string;
}

/** One command: what may stand behind it. */
export interface WordTree {
  /** From the program on, such as `agent erase`; "" = the program itself. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly commands: readonly WordTree[];
  /** Its own; those of the program are good everywhere. */
  readonly options: readonly OptionWord[];
  /** A path goes there. */
  readonly takesPath: boolean;
}

const PATHS = /<(file|folder|dir|path)>/;

/** The whole tree of commands, as help shows it. */
export function treeFromProgram(program: Command): WordTree {
  return treeFromCommand(program, "");
}

function treeFromCommand(command: Command, path: string): WordTree {
  const shown = command.createHelp().visibleCommands(command);
  return {
    path,
    name: command.name(),
    description: oneLine(command.description()),
    commands: shown.map((child) => treeFromCommand(child, `${path} ${child.name()}`.trim())),
    options: command.createHelp().visibleOptions(command).map(wordFromOption),
    takesPath: command.registeredArguments.some((argument) => PATHS.test(`<${argument.name()}>`)),
  };
}

function wordFromOption(option: Option): OptionWord {
  return {
    words: [option.short, option.long].filter((word) => word !== undefined && word !== null),
    takesValue: option.required || option.optional,
    isPath: PATHS.test(option.flags),
    description: oneLine(option.description),
  };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

/** Every command, parents first. */
export function allCommands(tree: WordTree): readonly WordTree[] {
  return [tree, ...tree.commands.flatMap(allCommands)];
}
