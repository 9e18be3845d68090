import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { TaskMessageSchema, TaskRole, TaskState } from "../../gen/meshkore/v1/tasks_pb.js";
import { changeOfTask, GUEST, HUB_AUTHOR, isTerminal, stateOf, taskStatus } from "../../model/task.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Directory } from "../../ports/directory.ts";
import type { Logger } from "../../ports/logger.ts";
import type { MessageLog } from "../../ports/message-log.ts";
import type { TaskRecord, TaskStore } from "../../ports/task-store.ts";
import type { DeadTasks } from "./dead-tasks.ts";
import type { LiveTask, LiveTasks } from "./live-tasks.ts";
import { taskStream } from "./task-events.ts";
import type { TaskFanout } from "./task-fanout.ts";
import type { TaskWriter } from "./task-writer.ts";

const PAGE = 200;
const SWEEP_MS = 3_600_000;
const FIRST_SWEEP_MS = 10_000;

const WORKER_LEFT: TaskEnd = { state: TaskState.FAILED, death: "failed", why: "the worker left the hub" };
const CALLER_LEFT: TaskEnd = { state: TaskState.CANCELED, death: undefined, why: "the caller left the hub" };
const TOO_LATE: TaskEnd = {
  state: TaskState.FAILED,
  death: "expired",
  why: "nothing happened for too long",
};

/** How the hub ends a task by itself. */
interface TaskEnd {
  readonly state: TaskState;
  /** What is told of the message that gave the task; undefined = nothing. */
  readonly death: "failed" | "expired" | undefined;
  readonly why: string;
}

export interface TaskUpkeepDeps {
  readonly log: MessageLog;
  readonly store: TaskStore;
  readonly live: LiveTasks;
  readonly writer: TaskWriter;
  readonly fanout: TaskFanout;
  readonly dead: DeadTasks;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tasks are kept that long after their status changed last. */
  readonly keptMs: number;
}

/** Takes up what an earlier run left over, ends tasks that nobody can end any more, and forgets old ones. */
export class TaskUpkeep {
  readonly #deps: TaskUpkeepDeps;
  readonly #timers: NodeJS.Timeout[] = [];
  #working: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(deps: TaskUpkeepDeps) {
    this.#deps = deps;
  }

  /** What was left over is taken up behind the start: until then, an event may be late in an inbox, not lost. */
  start(): void {
    this.#deps.directory.onChange((agentId, what) => {
      if (what === "removed") this.#run("removal", () => this.#endTasksOf(agentId));
    });
    this.#run("left_over", () => this.resume());
    this.#timers.push(
      setInterval(() => this.#run("retention", () => this.sweep()), SWEEP_MS),
      setTimeout(() => this.#run("retention", () => this.sweep()), FIRST_SWEEP_MS),
    );
    for (const timer of this.#timers) timer.unref();
  }

  /** When what was to be done until now is done. */
  async settle(): Promise<void> {
    await this.#working;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#working;
  }

  /** Puts the index right by the log, and brings on what did not reach every inbox. */
  async resume(): Promise<void> {
    const { store, live, fanout } = this.#deps;
    for (let after = ""; !this.#isStopped; ) {
      const page = await store.unsettled(after, PAGE);
      for (const record of page) {
        if (this.#isStopped) return;
        const found = await live.find(record.taskId);
        if (found === undefined) await this.#dropUnwritten(record);
        else {
          await this.#putRight(record, found);
          await this.#endIfAbandoned(record, found);
          fanout.wake(found);
        }
      }
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.taskId;
    }
  }

  async sweep(): Promise<void> {
    const { store, clock, keptMs } = this.#deps;
    const beforeUnixMs = clock.nowUnixMs() - keptMs;
    while (!this.#isStopped) {
      const page = await store.unchangedSince(beforeUnixMs, PAGE);
      if (page.length === 0) return;
      for (const record of page) await (record.isSettled ? this.#forget(record) : this.#expire(record));
    }
  }

  /** A task without an event was never accepted; one that was just made may still be on its way. */
  async #dropUnwritten({ taskId, createdUnixMs }: TaskRecord): Promise<void> {
    const { store, clock } = this.#deps;
    if (clock.nowUnixMs() - createdUnixMs > 60_000) await store.remove([taskId]);
  }

  async #putRight(record: TaskRecord, { task }: LiveTask): Promise<void> {
    const change = changeOfTask(task, false);
    if (change.state === record.state && change.changedUnixMs === record.changedUnixMs) return;
    await this.#deps.store.change(record.taskId, change);
  }

  /** Agents may have left while nobody ended their tasks. */
  async #endIfAbandoned({ taskId, caller, worker }: TaskRecord, { task }: LiveTask): Promise<void> {
    const { directory } = this.#deps;
    if (isTerminal(stateOf(task))) return;
    if ((await directory.lookup(worker)) === undefined) await this.#end(taskId, WORKER_LEFT);
    else if (caller !== GUEST && (await directory.lookup(caller)) === undefined)
      await this.#end(taskId, CALLER_LEFT);
  }

  async #forget({ taskId }: TaskRecord): Promise<void> {
    await this.#deps.log.trim(taskStream(taskId), Number.POSITIVE_INFINITY);
    await this.#deps.store.remove([taskId]);
    this.#deps.live.forget(taskId);
  }

  async #expire(record: TaskRecord): Promise<void> {
    const found = await this.#deps.live.find(record.taskId);
    if (found === undefined) await this.#deps.store.remove([record.taskId]);
    else if (isTerminal(stateOf(found.task))) {
      await this.#putRight(record, found);
      await this.#forget(record);
    } else await this.#end(record.taskId, TOO_LATE);
  }

  /** Nobody is there any more to do what it took, or to hear of what it gave. */
  async #endTasksOf(agentId: string): Promise<void> {
    const { store } = this.#deps;
    let after: { changedUnixMs: number; taskId: string } | undefined;
    while (!this.#isStopped) {
      const { tasks } = await store.list({ party: agentId, after, limit: PAGE });
      for (const { taskId, worker, state } of tasks) {
        if (isTerminal(state)) continue;
        await this.#end(taskId, worker === agentId ? WORKER_LEFT : CALLER_LEFT);
      }
      const last = tasks.at(-1);
      if (last === undefined) return;
      after = { changedUnixMs: last.changedUnixMs, taskId: last.taskId };
    }
  }

  async #end(taskId: string, { state, death, why }: TaskEnd): Promise<void> {
    if (death !== undefined) await this.#deps.dead(taskId, { state: death, note: why });
    await this.#deps.writer.write(taskId, { author: HUB_AUTHOR, dedupeKey: "" }, (now) => {
      if (isTerminal(stateOf(now.task))) return undefined;
      const { contextId } = now.record;
      const message = create(TaskMessageSchema, {
        ...{ messageId: randomUUID(), taskId, contextId },
        role: TaskRole.AGENT,
        parts: [{ content: { case: "text", value: why } }],
      });
      const status = taskStatus(state, this.#deps.clock.nowUnixMs(), message);
      return { status };
    });
  }

  /** One after the other; a pass that fails is tried again by the next. */
  #run(what: string, pass: () => Promise<void>): void {
    this.#working = this.#working
      .then(pass)
      .catch((error: unknown) => this.#deps.logger.warn("tasks.not_kept_up", { what, error }));
  }
}
