import type { Attachments } from "../../core/attachments.ts";
import type { Delivery } from "../../core/delivery.ts";
import { inboxStream } from "../../core/streams.ts";
import { decodeEnvelope, peekEnvelope } from "../../model/envelope-codec.ts";
import type { JsonObject } from "../../model/json.ts";
import type { Reach } from "../../model/reach.ts";
import type { LogRecord } from "../../ports/message-log.ts";
import { Courier, type CourierDeps, type Errand } from "../courier.ts";
import { DeliveryFailure, failureFromUnknown } from "../delivery-failure.ts";
import { pause, waitAfter } from "../retry.ts";
import type { ReachDialect, Reached, RemoteAgent } from "./dialect.ts";
import type { ReachHttp } from "./reach-http.ts";
import { RemoteMessages, type RemoteMessagesDeps } from "./remote-messages.ts";
import { RemoteWork, type RemoteWorkDeps } from "./remote-work.ts";

/** Records of one inbox on their way at once. */
const WINDOW = 64;

export interface ReachedAgentDeps
  extends CourierDeps,
    Omit<RemoteWorkDeps, "agentId" | "remote">,
    Omit<RemoteMessagesDeps, "agentId" | "remote"> {
  /** In the name of this agent. */
  readonly http: ReachHttp;
  readonly delivery: Delivery;
  readonly attachments: Pick<Attachments, "commit">;
  /** Marks the agent as online until the answer is called. */
  readonly attached: (agentId: string) => () => void;
  /** What a look found, or why there was nothing to be found. */
  readonly onLook: (agentId: string, look: Look) => Promise<void>;
}

export type Look =
  | { readonly reached: Reached; readonly failure?: undefined }
  | { readonly reached?: undefined; readonly failure: DeliveryFailure };

/** One agent that is reached by a foreign protocol: its inbox is drained by calls, and its tasks are followed. */
export class ReachedAgent {
  readonly reach: Reach;
  /** Of what it is shown; undefined = nothing. */
  readonly credentialId: string | undefined;
  readonly #deps: ReachedAgentDeps;
  readonly #agentId: string;
  readonly #dialect: ReachDialect;
  readonly #work: RemoteWork;
  readonly #messages: RemoteMessages;
  readonly #courier: Courier;
  readonly #stopping = new AbortController();
  #remote: RemoteAgent | undefined;
  #why = "it was not looked up yet";
  #detach: (() => void) | undefined;
  #looking: Promise<void> | undefined;

  constructor(
    deps: ReachedAgentDeps,
    agentId: string,
    place: { reach: Reach; dialect: ReachDialect; credentialId: string | undefined },
  ) {
    this.#deps = deps;
    this.#agentId = agentId;
    this.reach = place.reach;
    this.credentialId = place.credentialId;
    this.#dialect = place.dialect;
    const remote = (): RemoteAgent => {
      if (this.#remote !== undefined) return this.#remote;
      throw new DeliveryFailure(this.#why);
    };
    this.#work = new RemoteWork({ ...deps, agentId, remote });
    this.#messages = new RemoteMessages({ ...deps, agentId, remote });
    this.#courier = new Courier(deps, this.#errand());
  }

  /** Whether the last look found it. */
  get isFound(): boolean {
    return this.#detach !== undefined;
  }

  /** With what an earlier run knew, it is called before it is looked up again. */
  start(facts: JsonObject | undefined): void {
    this.#remote = facts === undefined ? undefined : this.#dialect.recall(facts, this.#deps);
    this.#looking ??= this.#lookOn(facts);
    this.#courier.start();
    this.#work.resume().catch((error: unknown) => {
      this.#deps.logger.warn("reach.not_resumed", { agent: this.#agentId, error });
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#courier.stop(), this.#work.stop(), this.#looking]);
    this.#detach?.();
  }

  /** Looks again when what was found is old, sooner when nothing was. Never rejects. */
  async #lookOn(firstFacts: JsonObject | undefined): Promise<void> {
    const { retry } = this.#deps;
    const { signal } = this.#stopping;
    let facts = firstFacts;
    let failures = 0;
    while (!signal.aborted) {
      const look = await this.#look(facts);
      if (signal.aborted) return;
      failures = look.failure === undefined ? 0 : failures + 1;
      facts = look.reached?.facts ?? facts;
      await this.#tell(look);
      await pause(look.reached?.freshMs ?? waitAfter(failures, retry), signal);
    }
  }

  async #look(facts: JsonObject | undefined): Promise<Look> {
    const { http, clock } = this.#deps;
    const deps = { http, nowUnixMs: () => clock.nowUnixMs(), signal: this.#stopping.signal };
    try {
      const reached = await this.#dialect.look(this.reach.address, facts, deps);
      this.#remote = reached.agent;
      this.#detach ??= this.#deps.attached(this.#agentId);
      return { reached };
    } catch (thrown) {
      const failure = failureFromUnknown(thrown);
      this.#why = `the hub has no card of it: ${failure.message}`;
      this.#detach?.();
      this.#detach = undefined;
      return { failure };
    }
  }

  async #tell(look: Look): Promise<void> {
    try {
      await this.#deps.onLook(this.#agentId, look);
    } catch (error) {
      this.#deps.logger.warn("reach.not_told", { agent: this.#agentId, error });
    }
  }

  #errand(): Errand {
    const { log, delivery, attachments } = this.#deps;
    const stream = inboxStream(this.#agentId);
    return {
      stream,
      window: WINDOW,
      done: () => log.acked(stream, "inbox"),
      resolver: delivery.resolver(stream),
      keyOf(record) {
        const { kind, from, taskId } = decodeEnvelope(record.bytes).header;
        return kind === "MESSAGE" ? `from ${from}` : `task ${taskId}`;
      },
      deliver: (record, signal) => this.#deliver(record, signal),
      giveUp: (record, failure) => this.#giveUp(record, failure),
      commit: async (position) => {
        await attachments.commit(this.#agentId, position);
      },
    };
  }

  async #deliver(record: LogRecord, signal: AbortSignal): Promise<void> {
    const { kind } = peekEnvelope(record.bytes);
    if (kind === "MESSAGE") await this.#messages.deliver(record, signal);
    else if (kind === "TASK" || kind === "TASK_EVENT") await this.#work.deliver(record, signal);
    // Receipts and events are the hub's own words: they stay in the inbox for whoever runs the agent.
  }

  async #giveUp(record: LogRecord, failure: DeliveryFailure): Promise<boolean> {
    const { kind } = peekEnvelope(record.bytes);
    await (kind === "MESSAGE" ? this.#messages : this.#work).giveUp(record, failure);
    return true;
  }
}
