import { lookup } from "node:dns/promises";
import { Agent, type IncomingMessage } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { MeshError } from "../../../model/errors.ts";
import type { OpenOutboundHttp, OutboundHead, OutboundRequest } from "../../../ports/outbound-http.ts";
import { readBody, wholeBody } from "./body.ts";
import { createDeadline, type Deadline } from "./deadline.ts";
import { type Agents, exchange, failureFrom } from "./exchange.ts";
import { createGuard, type Guard, hostOf, type Resolve } from "./guard.ts";
import { redirected } from "./redirect.ts";

/** Connections to one host at once; more wait. */
const CALLS_PER_HOST = 8;
/** Streams are held long, so they have connections of their own. */
const STREAMS_PER_HOST = 64;
const KEPT_IDLE_MS = 4000;
/** What a look-up says of a name that is none, and not of a name server that does not answer. */
const NAME_UNKNOWN: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "EINVAL", "ENONAME"]);

export interface OutboundHttpOptions {
  /** Addresses that may be called although they are not public. */
  readonly isAllowed: (address: string) => boolean;
  /** Tests put their own in the place of the system's. */
  readonly resolve?: Resolve;
  /** Authorities beside those that Node trusts, PEM. */
  readonly authorities?: string;
}

/** OutboundHttp on Node's own client, with a look-up that checks what is connected to. */
export function openOutboundHttp(options: OutboundHttpOptions): OpenOutboundHttp {
  const resolve = options.resolve ?? ((hostname) => lookup(hostname, { all: true, order: "verbatim" }));
  const guard = createGuard({ isAllowed: options.isAllowed, resolve });
  const calls = createAgents(CALLS_PER_HOST, options.authorities);
  const streams = createAgents(STREAMS_PER_HOST, options.authorities);
  return {
    async request(request) {
      const deadline = createDeadline(request.signal, request.timeoutMs);
      try {
        const opened = await open(request, { guard, agents: calls, deadline });
        return { ...opened.head, body: await wholeBody(bodyOf(opened, request, deadline)) };
      } finally {
        deadline[Symbol.dispose]();
      }
    },
    async stream(request) {
      const deadline = createDeadline(request.signal, request.timeoutMs);
      try {
        const opened = await open(request, { guard, agents: streams, deadline });
        return { ...opened.head, chunks: pieces(opened, request, deadline) };
      } catch (thrown) {
        deadline[Symbol.dispose]();
        throw thrown;
      }
    },
    async check(text) {
      const host = hostOf(guard.target(text));
      try {
        await guard.addresses(host);
      } catch (thrown) {
        if (thrown instanceof MeshError) throw thrown;
        // A name server that cannot say now may say tomorrow, and connecting checks again.
        if (isUnknownName(thrown)) throw unknownName(host, thrown);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const { http, https } of [calls, streams]) {
        http.destroy();
        https.destroy();
      }
    },
  };
}

function isUnknownName(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && NAME_UNKNOWN.has(String(thrown.code));
}

function unknownName(host: string, cause: unknown): MeshError {
  return new MeshError("invalid_argument", `the name ${host.slice(0, 80)} has no address`, {
    hint: "see that the host's name is spelled as it should be, and known to public name servers",
    cause,
  });
}

function createAgents(maxSockets: number, authorities: string | undefined): Agents {
  const options = { keepAlive: true, maxSockets, maxFreeSockets: 2, timeout: KEPT_IDLE_MS };
  return {
    http: new Agent(options),
    https: new TlsAgent({ ...options, ...(authorities === undefined ? {} : { ca: authorities }) }),
  };
}

interface Opened {
  readonly head: OutboundHead;
  readonly message: IncomingMessage;
}

interface OpenDeps {
  readonly guard: Guard;
  readonly agents: Agents;
  readonly deadline: Deadline;
}

/** Goes on from redirect to redirect until there is an answer. */
async function open(first: OutboundRequest, { guard, agents, deadline }: OpenDeps): Promise<Opened> {
  const { maxRedirects = 0 } = first;
  let request = first;
  for (let hops = 0; ; hops++) {
    const message = await exchange(request, { guard, agents, signal: deadline.signal });
    const head = headFrom(message, request.url);
    const next = maxRedirects === 0 ? undefined : nextOf(request, head, message);
    if (next === undefined) return { head, message };
    message.destroy();
    if (hops >= maxRedirects) {
      throw new MeshError(
        "unavailable",
        `${new URL(first.url).host} redirects more than ${maxRedirects} times`,
      );
    }
    request = next;
  }
}

function nextOf(request: OutboundRequest, head: OutboundHead, message: IncomingMessage) {
  try {
    return redirected(request, head);
  } catch (thrown) {
    message.destroy();
    throw thrown;
  }
}

function headFrom(message: IncomingMessage, url: string): OutboundHead {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return { status: message.statusCode ?? 0, headers, url };
}

function bodyOf({ head, message }: Opened, { maxBytes }: OutboundRequest, { signal }: Deadline) {
  return readBody(message, {
    maxBytes,
    failure: (thrown) => failureFrom(thrown, new URL(head.url), signal),
  });
}

/** The pieces of a stream: from now on the wait for each is bounded, not the whole. */
async function* pieces(
  opened: Opened,
  request: OutboundRequest & { readonly idleMs: number },
  deadline: Deadline,
): AsyncGenerator<Uint8Array, void> {
  try {
    deadline.restart(request.idleMs);
    for await (const piece of bodyOf(opened, request, deadline)) {
      deadline.hold();
      yield piece;
      deadline.restart(request.idleMs);
    }
  } finally {
    deadline[Symbol.dispose]();
  }
}
