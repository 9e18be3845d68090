import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { TaskEventSchema, TaskState } from "../../gen/meshkore/v1/tasks_pb.js";
import type { TaskCounts, TaskEnd } from "../../model/counts.ts";
import { MeshError } from "../../model/errors.ts";
import { changeOfTask, isTerminal, stateOf, TASK_STATES } from "../../model/task.ts";
import { createTurns } from "../../model/turns.ts";
import type { Clock } from "../../ports/clock.ts";
import type { MessageLog } from "../../ports/message-log.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { DEDUPE_WINDOW_MS } from "../bounds.ts";
import { checkRoom, keyOf, type LiveTask, type LiveTasks } from "./live-tasks.ts";
import { envelopeFromEvent, readableEvent, taskStream } from "./task-events.ts";
import type { TaskFanout } from "./task-fanout.ts";

export interface TaskWriterDeps {
  readonly log: MessageLog;
  readonly store: TaskStore;
  readonly live: LiveTasks;
  readonly fanout: TaskFanout;
  readonly clock: Clock;
  readonly ids: () => string;
  readonly maxPayloadBytes: number;
  readonly counts: TaskCounts;
  /** Counts what was accepted. */
  readonly accepted: (from: string, to: string, bytes: number) => void;
}

/** Who says something about a task. */
export interface Saying {
  readonly author: string;
  /** Empty = a repeat cannot be told. */
  readonly dedupeKey: string;
  /** Called with the task for what is taken for a repeat; throws when it is none. */
  readonly onRepeat?: (live: LiveTask) => void;
}

export type EventParts = Omit<
  MessageInitShape<typeof TaskEventSchema>,
  "$typeName" | "taskId" | "contextId" | "author"
>;

/** One more event of a task, and how it is written. */
export interface NewEvent extends Saying {
  readonly event: EventParts;
  readonly traceparent?: string;
}

/** What is decided in the task's turn, of the task as it is then; undefined = nothing is to be written. */
export type Decide = (live: LiveTask) => EventParts | undefined;

const ENDS: Readonly<Partial<Record<TaskState, TaskEnd>>> = {
  [TaskState.COMPLETED]: "completed",
  [TaskState.FAILED]: "failed",
  [TaskState.CANCELED]: "canceled",
  [TaskState.REJECTED]: "rejected",
};

/** Writes events: those of one task one after the other. */
export class TaskWriter {
  readonly #deps: TaskWriterDeps;
  readonly #turns = createTurns();

  constructor(deps: TaskWriterDeps) {
    this.#deps = deps;
  }

  /**
   * Decides in the task's turn and writes; answers when durable, with the task as it is then. A repeat of what the
   * author said by the same key changes nothing, and nothing is decided.
   */
  write(taskId: string, { author, dedupeKey, onRepeat }: Saying, decide: Decide): Promise<LiveTask> {
    return this.#turns.take(taskId, async () => {
      const live = await this.#deps.live.find(taskId);
      if (live === undefined) throw noSuchTask();
      if (dedupeKey !== "" && live.keys.has(keyOf(author, dedupeKey))) {
        onRepeat?.(live);
        return live;
      }
      const event = decide(live);
      if (event !== undefined) await this.append(live, { event, author, dedupeKey });
      return live;
    });
  }

  /** To be called in the task's turn alone, or before anybody knows the task. False = a repeat: nothing was written. */
  async append(live: LiveTask, next: NewEvent): Promise<boolean> {
    const { log, store, fanout, clock, ids, maxPayloadBytes } = this.#deps;
    const { taskId, contextId, caller, worker } = live.record;
    const { author, dedupeKey, traceparent = "" } = next;
    const to = author === caller ? worker : caller;
    const id = ids();
    const bytes = envelopeFromEvent(create(TaskEventSchema, { ...next.event, taskId, contextId, author }), {
      id,
      to,
      createdUnixMs: clock.nowUnixMs(),
      dedupeKey,
      traceparent,
    });
    checkRoom(live, bytes.length, maxPayloadBytes);
    const stored = readableEvent(bytes);
    const dedupe =
      dedupeKey === "" ? {} : { dedupe: { key: keyOf(author, dedupeKey), windowMs: DEDUPE_WINDOW_MS } };
    const appended = await log.append(taskStream(taskId), { id, bytes, ...dedupe });
    if (appended.duplicate) return false;
    this.#deps.live.take(live, { ...stored, sequence: appended.offset }, { epoch: appended.epoch, bytes });
    this.#deps.accepted(author, to, bytes.length);
    this.#count(next.event);
    // The row of a new task says what its first event says.
    if (next.event.status !== undefined && next.event.created === undefined) {
      await store.change(taskId, changeOfTask(live.task, false));
    }
    fanout.wake(live);
    return true;
  }

  #count({ created, status }: EventParts): void {
    const { counts } = this.#deps;
    if (created !== undefined) counts.created += 1;
    const end = ENDS[status?.state ?? TaskState.UNSPECIFIED];
    if (end !== undefined) counts.ended[end] += 1;
  }
}

/** @throws MeshError failed_precondition */
export function checkOpen(live: LiveTask): void {
  const state = stateOf(live.task);
  if (!isTerminal(state)) return;
  throw new MeshError("failed_precondition", `the task has ended: it is ${TASK_STATES[state]}`, {
    hint: "go on in a new task; give it the same context",
  });
}

/** The answer to an id that there is no task of, and to who has nothing to do with it. */
export function noSuchTask(): MeshError {
  return new MeshError("not_found", "no such task", {
    hint: "GET /tasks lists the tasks that you gave or took",
  });
}
