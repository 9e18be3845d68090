import type { Command } from "commander";
import { notJoinedError } from "./cli-error.ts";
import type { HubAccess } from "./hub/hub-client.ts";
import { hubUrlFromText, isSameHub } from "./hub/hub-url.ts";
import { adminTokenPath, findAdminToken, ownHubUrl } from "./identity/admin-token.ts";
import {
  type CredentialsFile,
  createCredentialsFile,
  credentialsPath,
  type Identity,
} from "./identity/credentials-file.ts";
import { readSettings, type Settings } from "./identity/settings.ts";
import type { ProcessEdge } from "./process-edge.ts";
import { createTerminal, type Terminal } from "./terminal/terminal.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly url?: string;
  readonly as?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
  readonly config?: string;
  readonly color: boolean;
  readonly quiet?: boolean;
}

/** Who calls: an agent of the credentials file, or one that only its key is known of. */
export interface AgentAccess extends HubAccess {
  readonly bearer: string;
  /** Undefined when the key came from the environment. */
  readonly identity: Identity | undefined;
}

/** One run of one command. */
export interface Invocation {
  readonly edge: ProcessEdge;
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  readonly settings: Settings;
  readonly credentials: CredentialsFile;
}

/** @throws CliError usage */
export function openInvocation(edge: ProcessEdge, command: Command): Invocation {
  const options = command.optsWithGlobals<GlobalOptions>();
  const settings = readSettings({ env: edge.env, configFile: options.config, dataDir: options.dataDir });
  return {
    edge,
    options,
    settings,
    terminal: createTerminal(edge, terminalOptions(options)),
    credentials: createCredentialsFile(credentialsPath(settings, edge.homeDir)),
  };
}

export function terminalOptions(options: Partial<GlobalOptions>): {
  json: boolean;
  quiet: boolean;
  color: boolean;
} {
  return { json: options.json === true, quiet: options.quiet === true, color: options.color !== false };
}

/** --url, else MESHKORE_URL. */
export function namedUrl({ options, settings }: Invocation): string | undefined {
  const text = options.url ?? settings["MESHKORE_URL"];
  return text === undefined || text === "" ? undefined : hubUrlFromText(text);
}

/** --url, else MESHKORE_URL, else where a hub of these settings listens. */
export function hubUrl(run: Invocation): string {
  return namedUrl(run) ?? ownHubUrl(run.settings);
}

/**
 * The agent that calls: --as picks among the joined ones, MESHKORE_API_KEY comes next, else the last joined.
 * A key is only ever sent to the hub that gave it, or to where the user sends the key of the environment.
 * @throws CliError unauthenticated when there is none
 */
export function agentAccess(run: Invocation): AgentAccess {
  const key = run.settings["MESHKORE_API_KEY"];
  if (run.options.as === undefined && key !== undefined && key !== "") {
    return { url: hubUrl(run), bearer: key, identity: undefined };
  }
  const identity = chooseIdentity(run);
  return { url: namedUrl(run) ?? identity.url, bearer: identity.apiKey, identity };
}

/**
 * The operator, unless --as names an agent; without an admin token the joined agent, since the hub may permit it.
 * @throws CliError unauthenticated when there is neither
 */
export function operatorAccess(run: Invocation): HubAccess {
  if (run.options.as !== undefined) return agentAccess(run);
  const operator = tokenAccess(run);
  if (operator !== undefined) return operator;
  if (hasAgent(run)) return agentAccess(run);
  const url = hubUrl(run);
  throw notJoinedError(
    `no admin token for ${url}: neither MESHKORE_ADMIN_TOKEN nor ${adminTokenPath(run.settings)} is there`,
    "run this where the hub's data directory is (--data-dir), or set MESHKORE_ADMIN_TOKEN",
  );
}

/** The joined agent, else the operator: for what both may read. @throws CliError unauthenticated */
export function readerAccess(run: Invocation): HubAccess {
  if (run.options.as !== undefined || hasAgent(run)) return agentAccess(run);
  return tokenAccess(run) ?? agentAccess(run);
}

/** For calls about one agent: itself where its key is here, else the operator. @throws CliError unauthenticated */
export function accessForAgent(run: Invocation, agentId: string): HubAccess {
  const named = namedUrl(run);
  const own = run.credentials
    .read()
    .findLast((one) => one.agentId === agentId && (named === undefined || isSameHub(one.url, named)));
  if (run.options.as !== undefined || own === undefined) return operatorAccess(run);
  return { url: named ?? own.url, bearer: own.apiKey };
}

function tokenAccess(run: Invocation): HubAccess | undefined {
  const url = hubUrl(run);
  const bearer = findAdminToken(run.settings, url);
  return bearer === undefined ? undefined : { url, bearer };
}

function hasAgent(run: Invocation): boolean {
  const key = run.settings["MESHKORE_API_KEY"];
  if (key !== undefined && key !== "") return true;
  const named = namedUrl(run);
  return run.credentials.read().some((one) => named === undefined || isSameHub(one.url, named));
}

function chooseIdentity(run: Invocation): Identity {
  const all = run.credentials.read();
  const named = namedUrl(run);
  const { as } = run.options;
  const atHub = all.filter((one) => named === undefined || isSameHub(one.url, named));
  const chosen = atHub.findLast((one) => as === undefined || one.agentId === as);
  if (chosen !== undefined) return chosen;
  const who = as === undefined ? "not joined" : `not joined as ${as}`;
  const known = all.map((one) => `${one.agentId} at ${one.url}`).join(", ");
  throw notJoinedError(
    named === undefined ? who : `${who} at ${named}`,
    known === "" ? "get an invite and run 'meshkore join URL --as ID'" : `joined are: ${known}`,
  );
}
