import { inboxStream } from "../../core/streams.ts";
import type { AgentRecord, Profile } from "../../model/agent.ts";
import { EMPTY_HEADER } from "../../model/envelope.ts";
import { encodeEnvelope } from "../../model/envelope-codec.ts";
import type { JsonObject } from "../../model/json.ts";
import { REACH, REACH_STATUS, type Reach, reachFromExtra } from "../../model/reach.ts";
import { createTurns } from "../../model/turns.ts";
import type { AgentStore } from "../../ports/agent-store.ts";
import type { Directory } from "../../ports/directory.ts";
import type { ReachRecord } from "../../ports/reach-store.ts";
import { credentialedHttp } from "./credentialed-http.ts";
import type { ReachDialect, Reached } from "./dialect.ts";
import type { NewReachCredential, ReachCredentials, ReachCredentialView } from "./reach-credentials.ts";
import { createReachHttp, type ReachHttpDeps } from "./reach-http.ts";
import { type Look, ReachedAgent, type ReachedAgentDeps } from "./reached-agent.ts";

const PAGE = 500;
const EVENT_LIFE_MS = 30 * 86_400_000;

export interface ReachesDeps extends Omit<ReachedAgentDeps, "onLook" | "http">, ReachHttpDeps {
  readonly agents: Pick<AgentStore, "list" | "find">;
  readonly directory: Directory;
  readonly credentials: ReachCredentials;
  /** Changes what a profile says in the hub's own name. Nothing when there is no such agent. */
  readonly amend: (agentId: string, change: (profile: Profile) => Profile) => Promise<void>;
  readonly newMessageId: () => string;
}

/** All agents that are reached by foreign protocols. */
export class Reaches {
  readonly #deps: ReachesDeps;
  readonly #dialects = new Map<string, ReachDialect>();
  readonly #running = new Map<string, ReachedAgent>();
  readonly #turns = createTurns();
  #isStopped = false;
  #unlisten: (() => void) | undefined;

  constructor(deps: ReachesDeps) {
    this.#deps = deps;
  }

  /** How many there are, and how many of those were not found when they were looked up last. */
  get running(): { readonly all: number; readonly lost: number } {
    const all = [...this.#running.values()];
    return { all: all.length, lost: all.filter(({ isFound }) => !isFound).length };
  }

  addDialect(dialect: ReachDialect): void {
    this.#dialects.set(dialect.name, dialect);
  }

  /** Answers when calls show it. @throws MeshError invalid_argument */
  async setCredential(agentId: string, input: NewReachCredential): Promise<ReachCredentialView> {
    const set = await this.#deps.credentials.set(agentId, input);
    await this.#adjust(agentId);
    return set;
  }

  credential(agentId: string): Promise<ReachCredentialView | undefined> {
    return this.#deps.credentials.view(agentId);
  }

  /** Answers when no call shows it any more. False when there was none. */
  async removeCredential(agentId: string): Promise<boolean> {
    const isRemoved = await this.#deps.credentials.remove(agentId);
    await this.#adjust(agentId);
    return isRemoved;
  }

  /** Takes up all that there are, and follows what changes. */
  async start(): Promise<void> {
    const { agents, directory } = this.#deps;
    this.#unlisten = directory.onChange((agentId, what) => {
      if (what !== "access" && what !== "plan") void this.#adjust(agentId);
    });
    for (let after = ""; !this.#isStopped; ) {
      const page = await agents.list(after, PAGE);
      for (const { agentId, profile } of page)
        if (profile.extra?.[REACH] !== undefined) void this.#adjust(agentId);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.agentId;
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unlisten?.();
    await this.#turns.settled();
    await Promise.all([...this.#running.values()].map((agent) => agent.stop()));
    this.#running.clear();
  }

  /** Brings what runs in line with what the agent says, one change of an agent after the other. Never rejects. */
  async #adjust(agentId: string): Promise<void> {
    await this.#turns
      .take(agentId, () => this.#adjustNow(agentId))
      .catch((error: unknown) => this.#deps.logger.warn("reach.not_adjusted", { agent: agentId, error }));
  }

  async #adjustNow(agentId: string): Promise<void> {
    const { directory, store, credentials } = this.#deps;
    const wanted = reachOf(await directory.lookup(agentId));
    const credential = wanted && (await credentials.open(agentId));
    const running = this.#running.get(agentId);
    const isSame = textOf(running?.reach) === textOf(wanted) && running?.credentialId === credential?.id;
    if (this.#isStopped || isSame) return;
    this.#running.delete(agentId);
    await running?.stop();
    const dialect = wanted && this.#dialects.get(wanted.dialect);
    if (wanted === undefined || dialect === undefined) {
      await store.remove(agentId);
      return;
    }
    const known = await store.find(agentId);
    const onLook = (id: string, look: Look): Promise<void> => this.#onLook(id, wanted, look);
    const http = credentialedHttp(createReachHttp(agentId, this.#deps), credential);
    const place = { reach: wanted, dialect, credentialId: credential?.id };
    const agent = new ReachedAgent({ ...this.#deps, http, onLook }, agentId, place);
    this.#running.set(agentId, agent);
    agent.start(known === undefined ? undefined : factsFor(wanted, known));
  }

  async #onLook(agentId: string, reach: Reach, look: Look): Promise<void> {
    const { store, clock, logger } = this.#deps;
    const checkedUnixMs = clock.nowUnixMs();
    if (look.failure !== undefined) {
      const reason = look.failure.message;
      logger.warn("reach.not_found", { agent: agentId, reason });
      await this.#show(agentId, reach, { state: "unreachable", reason });
      return;
    }
    const { reached } = look;
    const before = await store.find(agentId);
    const facts = JSON.stringify(reached.facts);
    const { dialect, address } = reach;
    const earlierSkills = skillsOf(before);
    await store.put({ agentId, dialect, address: JSON.stringify(address), facts, checkedUnixMs });
    const { changedKey } = reached;
    const state = changedKey === undefined ? "reachable" : "key_changed";
    await this.#show(agentId, reach, { state, ...reached.shown }, { reached, earlierSkills });
    if (changedKey !== undefined) await this.#tellChangedKey(agentId, changedKey, before);
  }

  async #show(
    agentId: string,
    { dialect, address }: Reach,
    status: JsonObject,
    found?: { readonly reached: Reached; readonly earlierSkills: readonly string[] },
  ): Promise<void> {
    await this.#deps.amend(agentId, (profile) => {
      // It was changed meanwhile: what was found is not about that any more.
      if (textOf(reachOfExtra(profile.extra)) !== textOf({ dialect, address })) return profile;
      const extra = { ...profile.extra, [REACH_STATUS]: { [dialect]: status } };
      return found === undefined ? { ...profile, extra } : withFound({ ...profile, extra }, found);
    });
  }

  /** The operator reads it in the log, whoever runs the agent in its inbox: once for each key that is offered. */
  async #tellChangedKey(
    agentId: string,
    { known, offered }: { readonly known: string; readonly offered: string },
    before: ReachRecord | undefined,
  ): Promise<void> {
    const { log, logger, clock, newMessageId } = this.#deps;
    if (before?.facts.includes(`"offered":${JSON.stringify(offered)}`) === true) return;
    logger.warn("reach.key_changed", { agent: agentId, known, offered });
    const createdUnixMs = clock.nowUnixMs();
    const header = {
      ...EMPTY_HEADER,
      ...{ id: newMessageId(), from: "hub", to: agentId, kind: "EVENT" as const },
      ...{ contentType: "application/json", createdUnixMs, expiresUnixMs: createdUnixMs + EVENT_LIFE_MS },
    };
    const payload = { event: "reach.key_changed", known, offered };
    const bytes = encodeEnvelope(header, Buffer.from(JSON.stringify(payload)));
    await log.append(inboxStream(agentId), { id: header.id, bytes });
  }
}

/** Skills of an earlier look that are not offered any more go; the agent's own capabilities stay. */
function withFound(
  profile: Profile,
  { reached, earlierSkills }: { readonly reached: Reached; readonly earlierSkills: readonly string[] },
): Profile {
  const own = profile.capabilities.filter(
    (one) => !earlierSkills.includes(one) || reached.skills.includes(one),
  );
  const capabilities = [...new Set([...own, ...reached.skills])].slice(
    0,
    Math.max(own.length, MAX_CAPABILITIES),
  );
  return {
    ...profile,
    capabilities,
    ...((profile.name ?? "") === "" && reached.name !== "" ? { name: reached.name } : {}),
    ...((profile.description ?? "") === "" && reached.description !== ""
      ? { description: reached.description }
      : {}),
  };
}

/** As the registry bounds them. */
const MAX_CAPABILITIES = 64;

/** Every dialect keeps those that it told under this name. */
function skillsOf(record: ReachRecord | undefined): readonly string[] {
  const { skills }: { skills?: unknown } = record === undefined ? {} : JSON.parse(record.facts);
  return Array.isArray(skills) ? skills.map(String) : [];
}

function factsFor({ dialect, address }: Reach, record: ReachRecord): JsonObject | undefined {
  // Of another address nothing counts: not even the key.
  const isSame = record.dialect === dialect && urlOf(JSON.parse(record.address)) === urlOf(address);
  return isSame ? JSON.parse(record.facts) : undefined;
}

function urlOf(address: JsonObject): string {
  return String(address["card_url"] ?? address["url"] ?? "");
}

function reachOf(record: AgentRecord | undefined): Reach | undefined {
  return reachOfExtra(record?.profile.extra);
}

/** What was stored was checked; by an older hub perhaps otherwise: then it is none. */
function reachOfExtra(extra: JsonObject | undefined): Reach | undefined {
  try {
    return reachFromExtra(extra);
  } catch {
    return undefined;
  }
}

function textOf(reach: Reach | undefined): string {
  return reach === undefined ? "" : JSON.stringify([reach.dialect, reach.address]);
}
