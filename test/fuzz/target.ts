import { openCertificateDir } from "../support/certificate.ts";
import { type TestAgent, type TestHub, withHub } from "../support/hub.ts";
import { INSPECTABLE } from "../support/inspector.ts";
import type { Door } from "./door.ts";
import type { Operation, Ports, Wire, WireContext } from "./input.ts";
import type { Secrets } from "./throw-input.ts";
import { tlsSettings } from "./tls-setting.ts";

/** A hub with an agent that attacks and one that is written to. */
export interface Target {
  readonly hub: TestHub;
  readonly ports: Ports;
  readonly secrets: Secrets;
  readonly context: WireContext;
  readonly isTls: boolean;
}

export interface TargetOptions {
  readonly env?: Environment;
  /** Both ports speak TLS. */
  readonly isTls?: boolean;
}

export type Environment = Readonly<Record<string, string>>;

/** The limits that would end an attack early are off: what lies behind them is to be reached. */
const ENV = {
  NODE_OPTIONS: INSPECTABLE,
  // What a client left without a word is let go by pings, and a round waits for it.
  MESHKORE_SILENT_CLIENT_S: "30",
  MESHKORE_SESSIONS_PER_AGENT: "10000",
  MESHKORE_INBOX_MAX_MESSAGES: "1000000",
};

export async function withTarget<T>(
  { env, isTls = false }: TargetOptions,
  use: (target: Target) => Promise<T>,
): Promise<T> {
  if (!isTls) return openTarget({ ...env }, isTls, use);
  const folder = await openCertificateDir();
  try {
    return await openTarget({ ...(await tlsSettings(folder.path)), ...env }, isTls, use);
  } finally {
    await folder[Symbol.asyncDispose]();
  }
}

/** How an input of this wire gets in; undefined: the hub does not speak it. */
export function doorOf({ name, isBelowTls, port: portOf }: Wire, { ports, isTls }: Target): Door | undefined {
  const port = portOf(ports);
  if (port === undefined) return undefined;
  const isInside = isTls && isBelowTls !== true;
  return { port, alpn: isInside ? (name === "grpc" ? "h2" : "http/1.1") : undefined };
}

function openTarget<T>(env: Environment, isTls: boolean, use: (target: Target) => Promise<T>): Promise<T> {
  return withHub({ env: { ...ENV, ...env } }, async (hub) => {
    const [mallory] = await Promise.all([hub.join("mallory"), hub.join("victim")]);
    await mallory.post("/channels", { name: "c", members: ["victim"] });
    return use({
      hub,
      ports: portsOf(hub),
      secrets: { token: mallory.token, apiKey: mallory.apiKey, nonce: await hub.invite() },
      context: { operations: await operationsOf(mallory) },
      isTls,
    });
  });
}

function portsOf(hub: TestHub): Ports {
  return {
    http: Number(new URL(hub.http).port),
    grpc: hub.grpc === undefined ? undefined : Number(hub.grpc.split(":").at(-1)),
  };
}

async function operationsOf(agent: TestAgent): Promise<readonly Operation[]> {
  const { json } = await agent.get("/openapi.json");
  const { paths } = Object(json);
  return Object.entries(Object(paths)).flatMap(([path, methods]) =>
    Object.entries(Object(methods)).map(([method, operation]) => {
      const { content } = Object(Object(operation).requestBody);
      return { method: method.toUpperCase(), path, example: Object(content)["application/json"]?.example };
    }),
  );
}
