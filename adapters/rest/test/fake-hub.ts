import { create as createMessage } from "@bufbuild/protobuf";
import type { HttpRequest, HttpResponse, HubApi, Principal, Route } from "../../../src/adapter-kit.ts";
import { TaskSchema, TaskState } from "../../../src/gen/meshkore/v1/tasks_pb.js";
import { EMPTY_HEADER, type Header } from "../../../src/model/envelope.ts";
import { encodeEnvelope } from "../../../src/model/envelope-codec.ts";
import { restAdapter } from "../index.ts";

/** What reached the HubApi: the method's name and its arguments after the call. */
export interface Reached {
  readonly method: string;
  readonly args: readonly unknown[];
}

type Answers = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

export interface FakeHub {
  readonly routes: readonly Route[];
  readonly reached: Reached[];
  readonly logged: { event: string; fields: unknown }[];
  /** The last call's arguments after the Call, whatever method it was. */
  last(): Reached | undefined;
  ask(method: string, target: string, options?: AskOptions): Promise<Answer>;
}

export interface AskOptions {
  readonly body?: unknown;
  readonly rawBody?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** undefined when the answer is no JSON. */
  readonly json: unknown;
  /** Of a refusal; all empty in other answers. */
  readonly error: RestError;
}

export interface RestError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly retry_after_s?: number;
}

export const PUBLIC_URL = "https://hub.test";
export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
export const NOW = new Date(NOW_MS).toISOString();

const PRINCIPALS: Readonly<Record<string, Principal>> = {
  "t-alice": {
    kind: "agent",
    agentId: "alice",
    credential: { keyHash: "hash-of-alices-key", kid: undefined },
    expiresUnixMs: undefined,
  },
  "t-admin": { kind: "admin" },
};

/** A HubApi that writes down what reaches it and answers from a table: the translation alone is under test. */
export function createFakeHub(answers: Answers = {}): FakeHub {
  const reached: Reached[] = [];
  const logged: { event: string; fields: unknown }[] = [];
  const layer = (): never =>
    new Proxy(
      {},
      {
        get:
          (_target, name) =>
          (...args: unknown[]) =>
            answer(String(name), args),
      },
    ) as never;
  const answer = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    if (method === "authenticate") return authenticate(args[0]);
    reached.push({ method, args: args.slice(1) });
    const own = answers[method] ?? DEFAULT_ANSWERS[method];
    if (own === undefined) throw new Error(`the fake hub has no answer for ${method}`);
    return own(...args);
  };
  const authenticate = (bearer: unknown): Principal => {
    const known = answers["authenticate"];
    if (known !== undefined) return known(bearer) as Principal;
    return bearer === undefined
      ? { kind: "anonymous" }
      : (PRINCIPALS[String(bearer)] ?? { kind: "anonymous" });
  };
  const api: HubApi = {
    relay: layer(),
    tasks: layer(),
    pushes: layer(),
    reach: layer(),
    channels: layer(),
    registry: layer(),
    overview: layer(),
    operator: layer(),
  };
  const log = (event: string, fields?: unknown) => void logged.push({ event, fields });
  const { routes } = restAdapter.mount({
    api,
    logger: { debug: log, info: log, warn: log, error: log },
    config: {},
    publicUrl: () => PUBLIC_URL,
    publicGrpc: () => undefined,
    keys: { keep: (_name, make) => make() },
    hubId: "hub.test",
    version: "0.1.0",
  });
  return {
    routes,
    reached,
    logged,
    last: () => reached.at(-1),
    ask: (method, target, options) => ask(routes, requestFrom(method, target, options)),
  };
}

function requestFrom(method: string, target: string, options: AskOptions = {}): HttpRequest {
  const [path = "", query = ""] = target.split(/\?(.*)/s);
  const raw = options.rawBody ?? (options.body === undefined ? "" : JSON.stringify(options.body));
  const headers = {
    authorization: "Bearer t-alice",
    ...(raw.length > 0 && { "content-type": "application/json" }),
    ...options.headers,
  };
  return {
    method,
    path,
    query,
    headers: new Map(Object.entries(headers).filter(([, value]) => value !== "")),
    remoteAddress: "127.0.0.1",
    signal: options.signal ?? new AbortController().signal,
    body: async () => (typeof raw === "string" ? Buffer.from(raw, "utf8") : raw),
  };
}

async function ask(routes: readonly Route[], request: HttpRequest): Promise<Answer> {
  const matches = routes.flatMap((route) => {
    const params = paramsFromPath(route.path, request.path);
    return route.method === request.method && params !== undefined ? [{ route, params }] : [];
  });
  // As the hub's router: a fixed segment wins over a parameter.
  matches.sort((one, other) => Object.keys(one.params).length - Object.keys(other.params).length);
  const match = matches[0];
  if (match === undefined) throw new Error(`no route for ${request.method} ${request.path}`);
  return answerFrom(await match.route.handle(request, match.params));
}

function paramsFromPath(pattern: string, path: string): Record<string, string> | undefined {
  const names = pattern.split("/");
  const segments = path.split("/");
  if (names.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const segment = segments[index] ?? "";
    if (name.startsWith(":")) params[name.slice(1)] = decodeURIComponent(segment);
    else if (name !== segment) return undefined;
  }
  return params;
}

async function answerFrom(response: HttpResponse): Promise<Answer> {
  const { body } = response;
  let text = "";
  if (typeof body === "string") text = body;
  else if (body instanceof Uint8Array) text = Buffer.from(body).toString("utf8");
  else for await (const part of body) text += Buffer.from(part).toString("utf8");
  const isJson = response.headers["content-type"] === "application/json";
  const json: unknown = isJson ? JSON.parse(text) : undefined;
  const error: RestError = { code: "", message: "", hint: "", ...Object(Object(json).error) };
  return { status: response.status, headers: response.headers, text, json, error };
}

/** A stored record as the relay hands it out. */
export function recordOf(offset: number, payload: string | Uint8Array, header: Partial<Header> = {}) {
  const full: Header = {
    ...EMPTY_HEADER,
    id: MESSAGE_ID,
    from: "bob",
    to: "alice",
    contentType: "application/json",
    createdUnixMs: NOW_MS,
    ...header,
  };
  const bytes = encodeEnvelope(full, typeof payload === "string" ? Buffer.from(payload) : payload);
  return { epoch: 1, offset, bytes };
}

export const MESSAGE_ID = "019b7c5e-0000-7000-8000-000000000001";
const SENT = { epoch: 1, offset: 42, messageId: MESSAGE_ID, duplicate: false };
const INVITE = {
  nonce: "n0nce",
  url: `${PUBLIC_URL}/join/n0nce`,
  expiresUnixMs: NOW_MS,
  maxUses: 3,
  uses: 1,
  capabilities: ["translate"],
  createdBy: "admin",
};
export const AGENT = {
  agentId: "alice",
  profile: { capabilities: ["translate"], status: "available", visibility: "hub", access: "members" },
  online: true,
  createdUnixMs: NOW_MS,
  publicKey: undefined,
  plan: undefined,
};
const CHANNEL = {
  channelId: "team",
  ownerId: "alice",
  description: "",
  isPrivate: false,
  memberCount: 2,
  createdUnixMs: NOW_MS,
  isMember: true,
};

/** Given by bob, taken by alice. */
const TASK = createMessage(TaskSchema, {
  id: MESSAGE_ID,
  contextId: "c1",
  caller: "bob",
  worker: "alice",
  status: { state: TaskState.SUBMITTED },
  sequence: 1n,
});

const CREDENTIAL = { origin: "https://a.test", header: "authorization", setUnixMs: NOW_MS };

const DEFAULT_ANSWERS: Answers = {
  create: () => ({ task: TASK, duplicate: false }),
  get: () => TASK,
  list: () => ({ tasks: [TASK], cursor: undefined, total: 1 }),
  say: () => TASK,
  update: () => TASK,
  cancel: () => TASK,
  send: () => SENT,
  redrive: () => SENT,
  request: () => ({ sent: SENT, reply: undefined }),
  receive: () => ({ records: [], cursor: "1-7" }),
  acknowledge: () => "1-7",
  status: () => ({
    messageId: MESSAGE_ID,
    state: "read",
    atUnixMs: NOW_MS,
    note: "",
    to: "bob",
    createdUnixMs: NOW_MS,
  }),
  markProcessed: () => undefined,
  history: () => ({ envelopes: [], cursor: undefined }),
  deadMessages: () => ({ messages: [], cursor: undefined }),
  createInvite: () => INVITE,
  listInvites: () => [INVITE],
  revokeInvite: () => undefined,
  describeInvite: () => INVITE,
  join: () => ({
    agentId: "alice",
    apiKey: "mk_key",
    token: "jwt",
    tokenExpiresUnixMs: NOW_MS,
    hubId: "hub.test",
  }),
  register: () => ({ token: "jwt", expiresUnixMs: NOW_MS }),
  issueTicket: () => ({ ticket: "mkt_ticket", expiresUnixMs: NOW_MS }),
  rotateKey: () => ({ apiKey: "mk_new", oldKeyExpiresUnixMs: NOW_MS }),
  listAgents: () => ({ agents: [AGENT], cursor: undefined }),
  getAgent: () => AGENT,
  updateProfile: () => AGENT,
  setPlan: () => ({ ...AGENT, plan: "pro" }),
  deleteAgent: () => undefined,
  setCredential: () => CREDENTIAL,
  getCredential: () => CREDENTIAL,
  removeCredential: () => undefined,
  addAccessRule: () => undefined,
  listAccessRules: () => [{ subject: "bob", mode: "block" }],
  removeAccessRule: () => undefined,
  createChannel: () => CHANNEL,
  listChannels: () => ({ channels: [CHANNEL], cursor: "c2" }),
  joinChannel: () => CHANNEL,
  leaveChannel: () => undefined,
  addChannelMembers: () => CHANNEL,
  listChannelMembers: () => ({ members: ["alice", "bob"], cursor: undefined }),
  deleteChannel: () => undefined,
  stats: () => ({
    hubId: "hub.test",
    version: "0.1.0",
    agents: 2,
    online: 1,
    channels: 1,
    messagesAccepted: 5,
    bytesAccepted: 500,
    uptimeS: 9,
  }),
  network: () => ({
    agents: 2,
    online: 1,
    messages: 5,
    edges: [{ from: "alice", to: "bob", messages: 5, lastUnixMs: NOW_MS }],
  }),
  context: () => ({
    hubId: "hub.test",
    you: AGENT,
    unread: 1,
    cursor: "1-6",
    agents: [AGENT],
    channels: [CHANNEL],
    limits: { perMinute: 60, maxPayloadBytes: 1_048_576, plan: "open" },
  }),
};
