import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import { readSettingsFile } from "../identity/settings.ts";
import { type Invocation, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";

/** `config check` and `config list`: the hub's settings. */
export function addConfigCommand(program: Command, edge: ProcessEdge): void {
  const config = program.command("config").description("the hub's settings");
  config
    .command("check")
    .description("check the environment and --config FILE without starting anything; prints every problem")
    .action((_options: object, command: Command) => checkConfig(openInvocation(edge, command)));
  config
    .command("list")
    .description("all settings with their meaning; the values of what is set are not shown")
    .action((_options: object, command: Command) => listConfig(openInvocation(edge, command)));
}

async function checkConfig(run: Invocation): Promise<void> {
  const { ConfigError, configFromSettings } = await import("../../config.ts");
  for (const name of foreignNames(run)) {
    await run.terminal.warn(
      "foreign_name",
      `${name} in the config file is no setting: settings begin with MESHKORE_`,
    );
  }
  try {
    configFromSettings(run.settings);
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    const { problems } = thrown;
    await run.terminal.result({ ok: false, problems }, () => problems.map(safeText));
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    throw usageError(`the configuration has ${count}`, "'meshkore config list' shows all settings");
  }
  await run.terminal.result({ ok: true, problems: [] }, () => ["the configuration is fine"]);
}

async function listConfig(run: Invocation): Promise<void> {
  const { SETTINGS } = await import("../../config.ts");
  const rows = SETTINGS.map(({ name, meaning }) => ({
    name,
    meaning,
    set: run.settings[name] !== undefined,
  }));
  await run.terminal.result({ settings: rows }, () =>
    run.terminal.table(
      [
        { title: "SETTING", text: (row) => row.name },
        { title: "SET", text: (row) => (row.set ? "yes" : "-") },
        { title: "MEANING", text: (row) => row.meaning },
      ],
      rows,
    ),
  );
}

function foreignNames(run: Invocation): readonly string[] {
  const file = run.options.config ?? run.edge.env["MESHKORE_CONFIG"];
  if (file === undefined || file === "") return [];
  return Object.keys(readSettingsFile(file)).filter((name) => !name.startsWith("MESHKORE_"));
}
