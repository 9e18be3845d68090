import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { usageError } from "../cli-error.ts";
import { type Answer, isAnswer, objectsMember, textMember } from "../hub/answer.ts";
import { isSameHub } from "../hub/hub-url.ts";
import { withFileLock } from "./file-lock.ts";
import { checkPrivateFileCanBeWritten, writePrivateFile } from "./private-file.ts";
import type { Settings } from "./settings.ts";

const VERSION = 1;
const OTHERS = 0o077;

/** What `join` gave for one agent on one hub. */
export interface Identity {
  readonly url: string;
  readonly agentId: string;
  /** Never shown unless asked for. */
  readonly apiKey: string;
}

export type IdentityName = Pick<Identity, "url" | "agentId">;

/**
 * The identities of this user, the last joined at the end. The file is JSON of mode 0600, replaced as a whole,
 * and changed under a lock, so that agents that join at the same time all stay in it.
 */
export interface CredentialsFile {
  readonly path: string;
  /** Empty when there is no file. @throws CliError usage when it is damaged */
  read(): readonly Identity[];
  /** Makes the identity the default; an older one of the same agent and hub goes. */
  save(identity: Identity): Promise<void>;
  /** Puts another key in place; the default stays what it is. Does nothing for an unknown identity. */
  replaceKey(identity: Identity): Promise<void>;
  remove(identity: IdentityName): Promise<void>;
  has(identity: IdentityName): boolean;
  /** @throws CliError usage when `save` could not work: to be asked before a key is made that is shown once */
  checkWritable(): void;
  /** Somebody else may read the file. */
  isExposed(): boolean;
}

/** `MESHKORE_CREDENTIALS`, else the place that the XDG rules give. */
export function credentialsPath(settings: Settings, homeDir: string): string {
  const named = settings["MESHKORE_CREDENTIALS"];
  if (named !== undefined && named !== "") return named;
  const configHome = settings["XDG_CONFIG_HOME"];
  const base = configHome?.startsWith("/") ? configHome : join(homeDir, ".config");
  return join(base, "meshkore", "credentials.json");
}

export function createCredentialsFile(path: string): CredentialsFile {
  const read = (): readonly Identity[] => readIdentities(path);
  const change = (edit: (identities: readonly Identity[]) => readonly Identity[]): Promise<void> =>
    withFileLock(`${path}.lock`, () => writePrivateFile(path, textFromIdentities(edit(read()))));
  return {
    path,
    read,
    save: (identity) => change((all) => [...all.filter((one) => !isSame(one, identity)), identity]),
    replaceKey: (identity) => change((all) => all.map((one) => (isSame(one, identity) ? identity : one))),
    remove: (identity) => change((all) => all.filter((one) => !isSame(one, identity))),
    has: (identity) => read().some((one) => isSame(one, identity)),
    checkWritable: () => {
      read();
      try {
        checkPrivateFileCanBeWritten(path);
      } catch (cause) {
        throw usageError(
          `cannot write the credentials file ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
          "name another place with MESHKORE_CREDENTIALS",
        );
      }
    },
    isExposed: () => process.platform !== "win32" && existsSync(path) && (statSync(path).mode & OTHERS) !== 0,
  };
}

function isSame(one: IdentityName, other: IdentityName): boolean {
  return one.agentId === other.agentId && isSameHub(one.url, other.url);
}

function textFromIdentities(identities: readonly Identity[]): string {
  const rows = identities.map(({ url, agentId, apiKey }) => ({ url, agent_id: agentId, api_key: apiKey }));
  return `${JSON.stringify({ version: VERSION, identities: rows }, null, 2)}\n`;
}

function readIdentities(path: string): readonly Identity[] {
  if (!existsSync(path)) return [];
  const document = readDocument(path);
  if (document?.["version"] !== VERSION || !Array.isArray(document["identities"])) {
    throw usageError(
      `${path} is no credentials file of this version`,
      "move it away, or name another with MESHKORE_CREDENTIALS",
    );
  }
  return objectsMember(document, "identities").flatMap((row) => {
    const url = textMember(row, "url");
    const agentId = textMember(row, "agent_id");
    const apiKey = textMember(row, "api_key");
    return url === undefined || agentId === undefined || apiKey === undefined
      ? []
      : [{ url, agentId, apiKey }];
  });
}

function readDocument(path: string): Answer | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw usageError(`cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  try {
    const value: unknown = JSON.parse(text);
    return isAnswer(value) ? value : undefined;
  } catch {
    // The parser's words would repeat parts of the file, keys included.
    return undefined;
  }
}
