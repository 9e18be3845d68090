import { z } from "zod";
import { closestName } from "./model/closest-name.ts";
import { ipSetFromTexts } from "./model/ip-address.ts";

/**
 * Step 1 of configuration is a flat bag of `MESHKORE_*` texts (environment over file); step 2, here, turns it
 * into the checked, frozen record that the hub is built from. Unknown names are errors.
 */
const bytes = (fallback: number, least: number, most: number) =>
  z.coerce.number().int().min(least).max(most).default(fallback);
const count = bytes;
const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);
const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  );
const networks = list.superRefine(checkNetworks);
const NAMED_READERS: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1"],
  any: ["0.0.0.0/0", "::/0"],
  nobody: [],
};
const readers = list
  .transform((entries) => entries.flatMap((entry) => NAMED_READERS[entry] ?? entry))
  .pipe(z.array(z.string()).superRefine(checkNetworks));
const DAY_MS = 86_400_000;
const MIB = 1_048_576;

const HUB_ID = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(:\d{1,5})?$/;

const settings = z.strictObject({
  MESHKORE_HOST: z.string().min(1).default("127.0.0.1").describe("address to listen on"),
  MESHKORE_HTTP_PORT: port(7400).describe("HTTP and WebSocket port; 0 = any free one"),
  MESHKORE_GRPC_PORT: port(7401).describe("gRPC port; 0 = any free one"),
  MESHKORE_DATA_DIR: z.string().min(1).default("./data").describe("where the hub keeps everything"),
  MESHKORE_BACKUP_DIR: z
    .string()
    .min(1)
    .optional()
    .describe("where backups go; default: the folder 'backups' in the data directory"),
  MESHKORE_PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ""))
    .optional()
    .describe("how clients reach the hub; default: the listening address"),
  MESHKORE_PUBLIC_GRPC: z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/, "give host:port")
    .optional()
    .describe(
      "how clients reach the gRPC port, as host:port; default: the listening address, none behind MESHKORE_PUBLIC_URL",
    ),
  MESHKORE_HUB_ID: z.string().regex(HUB_ID).default("localhost").describe("the domain in agent@hub"),
  MESHKORE_LOG: z
    .literal("embedded", "only 'embedded' is built so far; Redis comes with the scale layer")
    .default("embedded")
    .describe("message log engine"),
  MESHKORE_STORE: z
    .literal("sqlite", "only 'sqlite' is built so far; Postgres comes with the scale layer")
    .default("sqlite")
    .describe("store engine"),
  MESHKORE_DURABILITY: z
    .enum(["power", "process"])
    .default("power")
    .describe("what an accepted message survives: power loss, or kill -9 of the process"),
  MESHKORE_ADMIN_TOKEN: z
    .string()
    .min(16)
    .max(512)
    .optional()
    .describe("operator token; default: made and kept"),
  MESHKORE_JWT_SECRET: z
    .string()
    .min(32)
    .max(512)
    .optional()
    .describe("token secret; default: made and kept"),
  MESHKORE_TLS_CERT: z.string().min(1).optional().describe("certificate chain, PEM file; turns TLS on"),
  MESHKORE_TLS_KEY: z.string().min(1).optional().describe("private key of the certificate, PEM file"),
  MESHKORE_TLS_CLIENT_CA: z
    .string()
    .min(1)
    .optional()
    .describe(
      "authorities of client certificates on the gRPC port, PEM file; clients with none stay welcome",
    ),
  MESHKORE_TRUSTED_PROXIES: networks.describe(
    "addresses or CIDRs whose X-Forwarded-For and PROXY headers are believed, separated by commas",
  ),
  MESHKORE_OUTBOUND_ALLOW: networks.describe(
    "addresses or CIDRs that the hub may call although they are not public, separated by commas",
  ),
  MESHKORE_OUTBOUND_GIVE_UP_S: count(3600, 1, 604_800).describe(
    "how long the hub tries again, in seconds, when a server does not take what it is called with",
  ),
  MESHKORE_OUTBOUND_AT_ONCE: count(256, 1, 65_536).describe(
    "calls to other servers under way at once; one agent's at most a sixteenth of them",
  ),
  MESHKORE_OUTBOUND_STREAMS: count(512, 1, 65_536).describe(
    "streams of reached agents that are held open at once, one agent's at most a sixteenth; further tasks are asked for",
  ),
  MESHKORE_PROXY_PROTOCOL: list
    .pipe(z.array(z.enum(["http", "grpc"], "name ports: http, grpc or both, separated by a comma")))
    .describe(
      "ports (http, grpc) on which connections of trusted proxies begin with a PROXY protocol header; http takes Node's listener",
    ),
  MESHKORE_LISTENER: z
    .enum(["auto", "uws", "node"])
    .default("auto")
    .describe("who serves the HTTP port; auto = uWebSockets.js where it loads, else Node's own"),
  MESHKORE_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("collector that OpenTelemetry traces go to, as http://127.0.0.1:4318; default: none are made"),
  MESHKORE_TRACE_RATIO: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("share of messages that are traced when their sender did not decide, 0 to 1"),
  MESHKORE_METRICS_ACCESS: readers
    .prefault("loopback")
    .describe(
      "who reads /metrics without the operator's token: loopback, any, nobody, or addresses and CIDRs, by commas",
    ),
  MESHKORE_RATE_PER_MINUTE: count(60, 1, 1_000_000_000).describe(
    "messages per minute and agent, and the burst",
  ),
  MESHKORE_PLAN: z.enum(["open", "free", "pro"]).default("open").describe("plan of agents that join"),
  MESHKORE_CORS_ORIGINS: list.describe("browser origins allowed beside localhost, separated by commas"),
  MESHKORE_LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  MESHKORE_MAX_PAYLOAD_BYTES: bytes(MIB, 1, 64 * MIB).describe("largest payload"),
  MESHKORE_MAX_HEADER_BYTES: bytes(8192, 512, 65_536).describe("largest envelope header"),
  MESHKORE_INBOX_MAX_MESSAGES: count(1_000_000, 1, 1_000_000_000).describe("unread messages of one inbox"),
  MESHKORE_INBOX_MAX_BYTES: bytes(4096 * MIB, 1024, 2 ** 50).describe("unread bytes of one inbox"),
  MESHKORE_UNREAD_DAYS: z.coerce
    .number()
    .positive()
    .max(3650)
    .default(7)
    .describe("life of an unread message"),
  MESHKORE_HISTORY_DAYS: z.coerce.number().positive().max(3650).default(30).describe("life of history"),
  MESHKORE_CHANNEL_MAX_MEMBERS: count(10_000, 1, 1_000_000).describe("members of one channel"),
  MESHKORE_SESSIONS_PER_AGENT: count(64, 1, 100_000).describe("live sessions of one agent at once"),
  MESHKORE_SILENT_CLIENT_S: count(120, 8, 960).describe(
    "seconds after which a WebSocket or gRPC client that sends nothing and answers no ping is cut off",
  ),
  MESHKORE_ATTEMPTS_PER_MINUTE: count(30, 1, 1_000_000).describe("wrong nonces, keys, tokens per address"),
});

function checkNetworks(entries: readonly string[], context: z.RefinementCtx): void {
  try {
    ipSetFromTexts(entries);
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : String(error));
  }
}

/** The names of all settings with their meaning, for help and reference. */
export const SETTINGS: readonly { readonly name: string; readonly meaning: string }[] = Object.entries(
  settings.shape,
).map(([name, schema]) => ({ name, meaning: schema.description ?? "" }));

/** Names that belong to the command line, not to the hub: no error when the hub finds them. */
const CLIENT_NAMES: ReadonlySet<string> = new Set([
  "MESHKORE_URL",
  "MESHKORE_API_KEY",
  "MESHKORE_CONFIG",
  "MESHKORE_CREDENTIALS",
]);

export interface Config {
  readonly host: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly dataDir: string;
  /** Undefined = in the data directory. */
  readonly backupDir: string | undefined;
  readonly publicUrl: string | undefined;
  /** host:port */
  readonly publicGrpc: string | undefined;
  readonly hubId: string;
  readonly durability: "power" | "process";
  readonly adminToken: string | undefined;
  readonly jwtSecret: string | undefined;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  readonly corsOrigins: readonly string[];
  /** Undefined = plain text on both ports. */
  readonly tls: TlsConfig | undefined;
  readonly trustedProxies: readonly string[];
  readonly outbound: OutboundConfig;
  /** Where connections of trusted proxies begin with a PROXY protocol header. */
  readonly proxyProtocol: { readonly http: boolean; readonly grpc: boolean };
  readonly listener: "auto" | "uws" | "node";
  readonly otlpEndpoint: string | undefined;
  /** Of the traces that begin here. */
  readonly traceRatio: number;
  /** Addresses and CIDRs that need no token at /metrics. */
  readonly metricsReaders: readonly string[];
  readonly limits: Limits;
}

/** What the hub calls, and how much at once. */
export interface OutboundConfig {
  /** Addresses and CIDRs that are called although they are not public. */
  readonly allow: readonly string[];
  /** From the first failure on. */
  readonly giveUpMs: number;
  readonly atOnce: number;
  readonly streams: number;
}

/** Paths of PEM files. */
export interface TlsConfig {
  readonly certPath: string;
  readonly keyPath: string;
  /** Undefined = client certificates are not asked for. */
  readonly clientCaPath: string | undefined;
}

/** Every bound of the hub. */
export interface Limits {
  readonly ratePerMinute: number;
  readonly plan: "open" | "free" | "pro";
  readonly maxPayloadBytes: number;
  readonly maxHeaderBytes: number;
  readonly inboxMaxMessages: number;
  readonly inboxMaxBytes: number;
  readonly unreadMs: number;
  readonly historyMs: number;
  readonly channelMaxMembers: number;
  readonly sessionsPerAgent: number;
  /** A client on a connection that is held open is gone when it neither sends nor answers pings for so long. */
  readonly silentClientMs: number;
  readonly attemptsPerMinute: number;
}

/** What is wrong with a configuration: one sentence for each setting. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.problems = problems;
  }
}

/**
 * Checks the bag and gives the frozen configuration.
 * @throws ConfigError naming every wrong or unknown setting; values of secrets are not repeated
 */
export function configFromSettings(bag: Readonly<Record<string, string | undefined>>): Config {
  const given: Record<string, string> = {};
  for (const [name, text] of Object.entries(bag)) {
    if (!name.startsWith("MESHKORE_") || CLIENT_NAMES.has(name)) continue;
    if (text !== undefined && text !== "") given[name] = text;
  }
  const parsed = settings.safeParse(given);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map(problemFromIssue));
  return freezeConfig(parsed.data);
}

function problemFromIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return `unknown setting ${issue.keys.map(withSuggestion).join(", ")}; 'meshkore config list' shows all`;
  }
  return `${issue.path.join(".")}: ${issue.message}`;
}

function withSuggestion(name: string): string {
  const known = closestName(name, Object.keys(settings.shape));
  return known === undefined ? name : `${name} (did you mean ${known}?)`;
}

function freezeConfig(s: z.infer<typeof settings>): Config {
  return Object.freeze({
    host: s.MESHKORE_HOST,
    httpPort: s.MESHKORE_HTTP_PORT,
    grpcPort: s.MESHKORE_GRPC_PORT,
    dataDir: s.MESHKORE_DATA_DIR,
    backupDir: s.MESHKORE_BACKUP_DIR,
    publicUrl: s.MESHKORE_PUBLIC_URL,
    publicGrpc: s.MESHKORE_PUBLIC_GRPC,
    hubId: s.MESHKORE_HUB_ID,
    durability: s.MESHKORE_DURABILITY,
    adminToken: s.MESHKORE_ADMIN_TOKEN,
    jwtSecret: s.MESHKORE_JWT_SECRET,
    logLevel: s.MESHKORE_LOG_LEVEL,
    corsOrigins: Object.freeze(s.MESHKORE_CORS_ORIGINS),
    tls: tlsFromSettings(s),
    trustedProxies: Object.freeze(s.MESHKORE_TRUSTED_PROXIES),
    outbound: Object.freeze({
      allow: Object.freeze(s.MESHKORE_OUTBOUND_ALLOW),
      giveUpMs: s.MESHKORE_OUTBOUND_GIVE_UP_S * 1000,
      atOnce: s.MESHKORE_OUTBOUND_AT_ONCE,
      streams: s.MESHKORE_OUTBOUND_STREAMS,
    }),
    proxyProtocol: Object.freeze({
      http: s.MESHKORE_PROXY_PROTOCOL.includes("http"),
      grpc: s.MESHKORE_PROXY_PROTOCOL.includes("grpc"),
    }),
    listener: s.MESHKORE_LISTENER,
    otlpEndpoint: s.MESHKORE_OTLP_ENDPOINT,
    traceRatio: s.MESHKORE_TRACE_RATIO,
    metricsReaders: Object.freeze(s.MESHKORE_METRICS_ACCESS),
    limits: Object.freeze({
      ratePerMinute: s.MESHKORE_RATE_PER_MINUTE,
      plan: s.MESHKORE_PLAN,
      maxPayloadBytes: s.MESHKORE_MAX_PAYLOAD_BYTES,
      maxHeaderBytes: s.MESHKORE_MAX_HEADER_BYTES,
      inboxMaxMessages: s.MESHKORE_INBOX_MAX_MESSAGES,
      inboxMaxBytes: s.MESHKORE_INBOX_MAX_BYTES,
      unreadMs: Math.round(s.MESHKORE_UNREAD_DAYS * DAY_MS),
      historyMs: Math.round(s.MESHKORE_HISTORY_DAYS * DAY_MS),
      channelMaxMembers: s.MESHKORE_CHANNEL_MAX_MEMBERS,
      sessionsPerAgent: s.MESHKORE_SESSIONS_PER_AGENT,
      silentClientMs: s.MESHKORE_SILENT_CLIENT_S * 1000,
      attemptsPerMinute: s.MESHKORE_ATTEMPTS_PER_MINUTE,
    }),
  });
}

/** @throws ConfigError when one of certificate and key is there without the other */
function tlsFromSettings(s: z.infer<typeof settings>): TlsConfig | undefined {
  const { MESHKORE_TLS_CERT: certPath, MESHKORE_TLS_KEY: keyPath, MESHKORE_TLS_CLIENT_CA: clientCaPath } = s;
  if (certPath !== undefined && keyPath !== undefined) return { certPath, keyPath, clientCaPath };
  if (certPath === undefined && keyPath === undefined && clientCaPath === undefined) return undefined;
  throw new ConfigError(["MESHKORE_TLS_CERT and MESHKORE_TLS_KEY: TLS needs both"]);
}
