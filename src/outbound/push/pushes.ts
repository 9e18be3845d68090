import type { Sent } from "../../core/messages.ts";
import type { Tasks } from "../../core/tasks/tasks.ts";
import type { Task } from "../../gen/meshkore/v1/tasks_pb.js";
import type { OutboundCounts } from "../../model/counts.ts";
import { MeshError } from "../../model/errors.ts";
import { NO_SIGNAL } from "../../model/no-signal.ts";
import type { Call } from "../../model/principal.ts";
import { GUEST, isTerminal, stateOf } from "../../model/task.ts";
import type { OutboundHttp } from "../../ports/outbound-http.ts";
import type { OutcomeRecord, OutcomeStore } from "../../ports/outcome-store.ts";
import type { PushRecord, PushStore } from "../../ports/push-store.ts";
import { callAs } from "../call-as.ts";
import { Courier, type CourierDeps } from "../courier.ts";
import type { DeliveryFailure } from "../delivery-failure.ts";
import type { Targets } from "../targets.ts";
import { checkNewPush } from "./new-push.ts";
import type { NewPush, PushConfig, PushPage, PushRenderer } from "./push.ts";
import { pushErrand } from "./push-errand.ts";

const MOST_PER_TASK = 10;
const PAGE = 100;
/** What stands as the receiver of a dead delivery: the config that it was for. */
const RECEIVER = /^push\/([^/]+)\/(.+)$/s;

export interface PushesDeps extends CourierDeps {
  readonly store: PushStore;
  readonly outcomes: OutcomeStore;
  readonly tasks: Pick<Tasks, "get">;
  readonly http: OutboundHttp;
  readonly targets: Targets;
  readonly counts: OutboundCounts;
  readonly newConfigId: () => string;
  /** UUIDv7: dead ones are listed by it, the newest first. */
  readonly newMessageId: () => string;
}

/** Push notifications of tasks: who wants them where, and those that run. Errors: see PushApi. */
export class Pushes {
  readonly #deps: PushesDeps;
  readonly #renderers = new Map<string, PushRenderer>();
  readonly #couriers = new Map<string, { readonly courier: Courier; readonly ownerId: string }>();
  #isStopped = false;

  constructor(deps: PushesDeps) {
    this.#deps = deps;
  }

  /** How many go on now; and of those, how many have something that their receiver has not taken yet. */
  get running(): { readonly open: number; readonly waiting: number } {
    const all = [...this.#couriers.values()];
    return { open: all.length, waiting: all.filter(({ courier }) => courier.isBusy).length };
  }

  addRenderer(dialect: string, render: PushRenderer): void {
    this.#renderers.set(dialect, render);
  }

  async check(push: Omit<NewPush, "taskId">): Promise<void> {
    checkNewPush(push);
    await this.#deps.http.check(push.url);
  }

  async set(call: Call, input: NewPush): Promise<PushConfig> {
    const { store, clock, newConfigId } = this.#deps;
    const task = await this.#taskOf(call, input.taskId);
    if (!this.#renderers.has(input.dialect)) throw new MeshError("internal", `no renderer ${input.dialect}`);
    const sent = input.after ?? Number(task.sequence);
    if (isTerminal(stateOf(task)) && sent >= Number(task.sequence)) {
      throw new MeshError("failed_precondition", "the task has ended: nothing more will happen to it", {
        hint: "get the task as it is",
      });
    }
    await this.check(input);
    const push: PushRecord = {
      taskId: task.id,
      configId: input.configId ?? newConfigId(),
      ownerId: task.caller,
      dialect: input.dialect,
      url: input.url,
      token: input.token ?? "",
      scheme: input.scheme ?? "",
      credentials: input.credentials ?? "",
      createdUnixMs: clock.nowUnixMs(),
      sent: Math.min(sent, Number(task.sequence)),
      stopped: undefined,
    };
    await this.#end(push.taskId, push.configId);
    await store.put(push, MOST_PER_TASK);
    this.#start(push);
    return configFromRecord(push);
  }

  async get(call: Call, taskId: string, configId: string): Promise<PushConfig> {
    await this.#taskOf(call, taskId);
    const push = await this.#deps.store.find(taskId, configId);
    if (push !== undefined) return configFromRecord(push);
    throw new MeshError("not_found", "the task has no push notification config of this id", {
      hint: "list those that it has; they end with the task",
    });
  }

  async list(
    call: Call,
    taskId: string,
    { limit = PAGE, cursor = "" }: { readonly limit?: number; readonly cursor?: string } = {},
  ): Promise<PushPage> {
    await this.#taskOf(call, taskId);
    const most = Math.min(Math.max(1, limit), PAGE);
    const pushes = await this.#deps.store.list(taskId, cursor, most + 1);
    const page = pushes.slice(0, most);
    return {
      pushes: page.map(configFromRecord),
      cursor: pushes.length > most ? page.at(-1)?.configId : undefined,
    };
  }

  async remove(call: Call, taskId: string, configId: string): Promise<void> {
    await this.#taskOf(call, taskId);
    await this.#deps.store.remove(taskId, configId);
    await this.#end(taskId, configId);
  }

  /** Goes on with what an earlier run of the hub left over. */
  async resumeAll(): Promise<void> {
    const { store } = this.#deps;
    for (let after = ""; !this.#isStopped; ) {
      const taskIds = await store.openTasks(after, PAGE);
      for (const taskId of taskIds) {
        for (const push of await store.list(taskId, "", PAGE)) {
          if (push.stopped === undefined) this.#start(push);
        }
      }
      const last = taskIds.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  /** Takes up a delivery that was given up. Undefined when the outcome is none of it. @throws MeshError not_found */
  async redrive({ messageId, receiver }: OutcomeRecord): Promise<Sent | undefined> {
    const [, taskId, configId] = RECEIVER.exec(receiver) ?? [];
    if (taskId === undefined || configId === undefined) return undefined;
    const { store } = this.#deps;
    const push = await store.find(taskId, configId);
    if (push === undefined) {
      throw new MeshError("not_found", "that push notification config is gone", { hint: "set it anew" });
    }
    if (push.stopped !== undefined) {
      await store.progress(taskId, configId, { sent: push.sent, stopped: undefined });
      this.#start({ ...push, stopped: undefined });
    }
    return { messageId, duplicate: push.stopped === undefined, epoch: 1, offset: push.sent + 1 };
  }

  /** The agent is gone, and what it asked for with it. */
  async forgetOwner(agentId: string): Promise<void> {
    const theirs = [...this.#couriers].filter(([, { ownerId }]) => ownerId === agentId);
    for (const [key] of theirs) this.#couriers.delete(key);
    await Promise.all(theirs.map(([, { courier }]) => courier.stop()));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#couriers.values()].map(({ courier }) => courier.stop()));
    this.#couriers.clear();
  }

  /** The task, if the caller is who gave it: what it asked for holds secrets of its own. */
  async #taskOf(call: Call, taskId: string): Promise<Task> {
    const task = await this.#deps.tasks.get(call, taskId, { historyLength: 0 });
    const name = call.principal.kind === "agent" ? call.principal.agentId : GUEST;
    if (task.caller === GUEST || task.caller === name) return task;
    throw new MeshError("permission_denied", "only who gave the task has push notifications of it", {
      hint: "as its worker, follow the task or read your inbox",
    });
  }

  #start(push: PushRecord): void {
    const render = this.#renderers.get(push.dialect);
    const key = keyOf(push.taskId, push.configId);
    if (this.#isStopped || render === undefined || this.#couriers.has(key)) return;
    const onEnd = (): void => {
      if (this.#couriers.get(key)?.courier === courier) this.#couriers.delete(key);
      void courier.stop();
    };
    const onDead = (dead: PushRecord, failure: DeliveryFailure): Promise<void> =>
      this.#tellDead(dead, failure);
    const task = (): Promise<Task> => this.#deps.tasks.get(callAs(push.ownerId, NO_SIGNAL), push.taskId);
    const errand = pushErrand(push, { ...this.#deps, render, task, onDead, onEnd });
    const courier = new Courier(this.#deps, errand);
    this.#couriers.set(key, { courier, ownerId: push.ownerId });
    courier.start();
  }

  async #end(taskId: string, configId: string): Promise<void> {
    const key = keyOf(taskId, configId);
    const running = this.#couriers.get(key);
    this.#couriers.delete(key);
    await running?.courier.stop();
  }

  async #tellDead({ taskId, configId, ownerId, url }: PushRecord, failure: DeliveryFailure): Promise<void> {
    const { outcomes, clock, logger, newMessageId } = this.#deps;
    const { host } = new URL(url);
    logger.warn("push.given_up", { task: taskId, host, reason: failure.message });
    if (ownerId === GUEST) return;
    await outcomes.add([
      {
        messageId: newMessageId(),
        senderId: ownerId,
        receiver: `push/${taskId}/${configId}`,
        state: "failed",
        note: failure.message,
        atUnixMs: clock.nowUnixMs(),
      },
    ]);
  }
}

function keyOf(taskId: string, configId: string): string {
  return `${taskId} ${configId}`;
}

function configFromRecord({ taskId, configId, url, token, scheme, credentials }: PushRecord): PushConfig {
  return { taskId, configId, url, token, scheme, credentials };
}
