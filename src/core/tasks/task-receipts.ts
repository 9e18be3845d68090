import { TaskState } from "../../gen/meshkore/v1/tasks_pb.js";
import { pointerIdFromMessageId } from "../../model/message-id.ts";
import { stateOf } from "../../model/task.ts";
import type { OutcomeStore } from "../../ports/outcome-store.ts";
import { type ReachedStateDeps, reachedState } from "../reached-state.ts";
import { inboxStream } from "../streams.ts";
import type { LiveTask, LiveTasks, Said } from "./live-tasks.ts";
import type { TaskFanout } from "./task-fanout.ts";

/** What became of the latest message of who gave a task; what it said before has come at least as far. */
export interface TaskReceipt {
  readonly messageId: string;
  readonly state: "accepted" | "delivered" | "read" | "failed" | "expired";
  /** The state was reached then or earlier, ms since the Unix epoch. */
  readonly atUnixMs: number;
  /** Of the event that holds the message. */
  readonly sequence: number;
  /** Its place in the worker's inbox; undefined = it is not there yet, or not any more. */
  readonly inboxOffset: number | undefined;
  /** Why it failed or expired. */
  readonly note: string;
}

export interface TaskReceiptsDeps extends ReachedStateDeps {
  readonly live: LiveTasks;
  readonly fanout: Pick<TaskFanout, "brought">;
  readonly outcomes: Pick<OutcomeStore, "find">;
}

/** Receipts of what was said in tasks, derived from the positions of their workers' inboxes, not written down anywhere. */
export class TaskReceipts {
  readonly #deps: TaskReceiptsDeps;
  /** Those that wait for more to be known of a task. */
  readonly #watchers = new Map<string, Set<() => void>>();

  constructor(deps: TaskReceiptsDeps) {
    this.#deps = deps;
  }

  /** Undefined when there is no such task, or what was said is erased. */
  async of(taskId: string): Promise<TaskReceipt | undefined> {
    const live = await this.#deps.live.find(taskId);
    const said = live?.latest;
    if (live === undefined || said === undefined) return undefined;
    const { messageId, sequence } = said;
    const place = await this.#placeOf(taskId, said);
    const common = { messageId, sequence, inboxOffset: place?.position.offset, note: "" };
    const dead = await this.#deadOf(live);
    if (dead !== undefined) return { ...common, ...dead };
    const reached =
      place === undefined ? undefined : await reachedState(this.#deps, place.stream, place.position.offset);
    if (reached !== undefined) return { ...common, ...reached };
    const state = live.takenId >= said.eventId ? "delivered" : "accepted";
    return {
      ...common,
      state,
      atUnixMs: state === "accepted" ? said.atUnixMs : this.#deps.clock.nowUnixMs(),
    };
  }

  /** The worker has the event of this id: it answered a call that brought it. */
  async taken(taskId: string, eventId: string): Promise<void> {
    const live = await this.#deps.live.find(taskId);
    if (live === undefined || eventId <= live.takenId) return;
    live.takenId = eventId;
    for (const wake of this.#watchers.get(taskId) ?? []) wake();
  }

  /**
   * Calls `moved` when the receipt may say more than `told` does, until the answer is called. Many follow tasks of one
   * worker: what does not matter to this one costs a comparison.
   */
  watch(
    { taskId, worker }: LiveTask["record"],
    told: () => TaskReceipt | undefined,
    moved: () => void,
  ): () => void {
    const watchers = this.#watchers.get(taskId) ?? new Set();
    watchers.add(moved);
    this.#watchers.set(taskId, watchers);
    const unwatch = this.#deps.receipts.watch(inboxStream(worker), (handedOffset, readOffset) => {
      const { state, inboxOffset = 0 } = told() ?? {};
      const awaited = state === "delivered" ? readOffset : handedOffset;
      if (state !== "read" && awaited >= inboxOffset) moved();
    });
    return () => {
      unwatch();
      watchers.delete(moved);
      if (watchers.size === 0 && this.#watchers.get(taskId) === watchers) this.#watchers.delete(taskId);
    };
  }

  /** What was said just now is on its way to the inbox: the answer waits for that. */
  async #placeOf(taskId: string, { eventId, sequence }: Said) {
    const { log, fanout } = this.#deps;
    const id = pointerIdFromMessageId(eventId);
    const known = await log.locate(id);
    if (known !== undefined) return known;
    await fanout.brought(taskId, sequence);
    return log.locate(id);
  }

  /** A task that cannot be brought to its worker is dead by what was said first; that is stored before the task fails. */
  async #deadOf({ task, first }: LiveTask) {
    if (stateOf(task) !== TaskState.FAILED || first === undefined) return undefined;
    const end = await this.#deps.outcomes.find(first.eventId);
    if (end === undefined || end.state === "processed") return undefined;
    const { state, note, atUnixMs } = end;
    return { state, note, atUnixMs };
  }
}
