import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { usageError } from "../cli-error.ts";

/** The flat bag of settings, `MESHKORE_*`. */
export type Settings = Readonly<Record<string, string | undefined>>;

export interface SettingsSource {
  readonly env: Settings;
  /** From --config; else MESHKORE_CONFIG. */
  readonly configFile?: string | undefined;
  /** From --data-dir; stands above file and environment. */
  readonly dataDir?: string | undefined;
}

/**
 * The environment over the config file; an empty value in the environment counts as none.
 * @throws CliError usage when a config file is named and cannot be read
 */
export function readSettings(source: SettingsSource): Settings {
  const file = source.configFile ?? source.env["MESHKORE_CONFIG"];
  const bag: Record<string, string | undefined> =
    file === undefined || file === "" ? {} : readSettingsFile(file);
  for (const [name, value] of Object.entries(source.env)) {
    if (value !== undefined && value !== "") bag[name] = value;
  }
  if (source.dataDir !== undefined) bag["MESHKORE_DATA_DIR"] = source.dataDir;
  return bag;
}

/**
 * Reads a config file: lines of NAME=value as in a .env file.
 * @throws CliError usage
 */
export function readSettingsFile(file: string): Record<string, string | undefined> {
  try {
    return { ...parseEnv(readFileSync(file, "utf8")) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError(
      `cannot read the config file ${file}: ${reason}`,
      "name a readable file of NAME=value lines",
    );
  }
}
