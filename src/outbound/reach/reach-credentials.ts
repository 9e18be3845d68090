import { MeshError } from "../../model/errors.ts";
import { ipFromText } from "../../model/ip-address.ts";
import { newSealingKey, openText, sealText } from "../../model/sealed-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { HubKeys } from "../../ports/hub-keys.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ReachCredentialRecord, ReachCredentialStore } from "../../ports/reach-credential-store.ts";

/** A file of the data directory; the backup knows it by the same name. */
export const REACH_KEY_NAME = "reach-key";

const MAX_VALUE_CHARS = 8192;
const MAX_ORIGIN_CHARS = 300;
/** RFC 9110, and lower case as gRPC wants it. */
const HEADER = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
const HEADER_TEXT = /^[\x20-\x7e]+$/;
/** Those that carry the call itself, or that proxies on the way act upon. */
const OWN_HEADERS =
  /^(host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|forwarded|via|user-agent|date|last-event-id|traceparent|tracestate|(content|accept|proxy|a2a|x-a2a|grpc|sec|if|x-forwarded|x-meshkore)-?.*|.*-bin)$/;

export interface NewReachCredential {
  /** Scheme, host and port that it is shown to, and nowhere else. */
  readonly origin: string;
  /** Absent = authorization. */
  readonly header?: string;
  /** Of the header, whole: `Bearer …` for a token. */
  readonly value: string;
}

/** What is told of one: never its value. */
export interface ReachCredentialView {
  readonly origin: string;
  readonly header: string;
  readonly setUnixMs: number;
}

/** Ready to be shown. */
export interface ReachCredential extends ReachCredentialView {
  readonly value: string;
  /** Another one each time that it is set. */
  readonly id: string;
}

export interface ReachCredentialsDeps {
  readonly credentials: ReachCredentialStore;
  readonly keys: HubKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Addresses that the operator lets the hub call although they are not public. */
  readonly isAllowed: (address: string) => boolean;
}

/** What agents that live elsewhere want to be shown. Sealed in the store by a key that is not in it. */
export class ReachCredentials {
  readonly #deps: ReachCredentialsDeps;

  constructor(deps: ReachCredentialsDeps) {
    this.#deps = deps;
  }

  /** @throws MeshError invalid_argument */
  async set(agentId: string, input: NewReachCredential): Promise<ReachCredentialView> {
    const { credentials, clock } = this.#deps;
    const origin = checkedOrigin(input.origin, this.#deps.isAllowed);
    const header = checkedHeader(input.header ?? "authorization");
    const value = checkedValue(input.value);
    const sealed = sealText(await this.#key(), value, belongingTo({ agentId, origin, header }));
    const record = { agentId, origin, header, sealed, setUnixMs: clock.nowUnixMs() };
    await credentials.put(record);
    return viewFromRecord(record);
  }

  async view(agentId: string): Promise<ReachCredentialView | undefined> {
    const record = await this.#deps.credentials.find(agentId);
    return record && viewFromRecord(record);
  }

  remove(agentId: string): Promise<boolean> {
    return this.#deps.credentials.remove(agentId);
  }

  /** Undefined when there is none, or the key that it was sealed by is gone. */
  async open(agentId: string): Promise<ReachCredential | undefined> {
    const record = await this.#deps.credentials.find(agentId);
    if (record === undefined) return undefined;
    const value = openText(await this.#key(), record.sealed, belongingTo(record));
    if (value !== undefined) return { ...viewFromRecord(record), value, id: record.sealed };
    this.#deps.logger.warn("reach.credential_unreadable", { agent: agentId, origin: record.origin });
    return undefined;
  }

  #key(): Promise<string> {
    return this.#deps.keys.keep(REACH_KEY_NAME, async () => newSealingKey());
  }
}

function belongingTo({ agentId, origin, header }: Omit<ReachCredentialRecord, "sealed" | "setUnixMs">) {
  return JSON.stringify([agentId, origin, header]);
}

function viewFromRecord({ origin, header, setUnixMs }: ReachCredentialRecord): ReachCredentialView {
  return { origin, header, setUnixMs };
}

/** In the form in which origins are compared. */
function checkedOrigin(text: string, isAllowed: (address: string) => boolean): string {
  const url = text.length <= MAX_ORIGIN_CHARS && URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === "" &&
    url.pathname === "/";
  if (!isOrigin) throw invalid("origin", "give scheme and host, such as https://agent.example");
  if (url.protocol === "http:" && !isNear(url.hostname, isAllowed)) {
    throw invalid("origin", "a secret goes by https, but to addresses in MESHKORE_OUTBOUND_ALLOW");
  }
  return url.origin;
}

/** An address that the operator named, not a name that could come to mean another one. */
function isNear(hostname: string, isAllowed: (address: string) => boolean): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  return ipFromText(address) !== undefined && isAllowed(address);
}

function checkedHeader(text: string): string {
  const name = text.toLowerCase();
  if (HEADER.test(name) && !OWN_HEADERS.test(name)) return name;
  throw invalid("header", "name one that carries nothing but the secret, such as authorization or x-api-key");
}

function checkedValue(text: string): string {
  if (text.length <= MAX_VALUE_CHARS && HEADER_TEXT.test(text) && text.trim() === text) return text;
  throw invalid("value", `it goes into a header: at most ${MAX_VALUE_CHARS} printable ASCII characters`);
}

function invalid(field: string, hint: string): MeshError {
  return new MeshError("invalid_argument", `${field} of the credential is not usable`, { hint });
}
