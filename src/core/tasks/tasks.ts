import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import {
  type ArtifactUpdate,
  type Task,
  type TaskMessage,
  TaskRole,
  TaskState,
  type TaskStatus,
} from "../../gen/meshkore/v1/tasks_pb.js";
import { MeshError } from "../../model/errors.ts";

import { isUuid } from "../../model/message-id.ts";
import { type Call, type Principal, requireAgent } from "../../model/principal.ts";
import { GUEST, isInterrupted, stateOf, taskStatus } from "../../model/task.ts";
import type { Clock } from "../../ports/clock.ts";
import type { TaskRecord, TaskStore } from "../../ports/task-store.ts";
import type { Admission } from "../admission.ts";
import { checkedArtifact, checkedStatus, checkText, placedMessage } from "./checks.ts";
import type { DeadTasks, TaskDeath } from "./dead-tasks.ts";
import { viewOfTask } from "./fold.ts";
import type { LiveTask, LiveTasks } from "./live-tasks.ts";
import { ReceiptedFollower } from "./receipted-follower.ts";
import { checkRepeat } from "./repeats.ts";
import { admittedAs, type NewTask, type TaskCreation } from "./task-creation.ts";
import { listTasks, type TaskListInput, type TaskPage } from "./task-list.ts";
import type { TaskReceipt, TaskReceipts } from "./task-receipts.ts";
import type { TaskFollower, TaskWatches } from "./task-watch.ts";
import { checkOpen, noSuchTask, type Saying, type TaskWriter } from "./task-writer.ts";

export interface TasksDeps {
  readonly store: TaskStore;
  readonly live: LiveTasks;
  readonly writer: TaskWriter;
  readonly creation: TaskCreation;
  readonly watches: TaskWatches;
  readonly receipts: TaskReceipts;
  readonly dead: DeadTasks;
  readonly admission: Admission;
  readonly clock: Clock;
}

/** What a worker says of its progress: at least one of artifact and status. */
export interface WorkerUpdate {
  readonly artifact?: ArtifactUpdate;
  /** The hub sets the timestamp. */
  readonly status?: TaskStatus;
  /** Of the update of the status. */
  readonly metadata?: JsonObject;
  /** A repeat within 24 h changes nothing. */
  readonly dedupeKey?: string;
}

/**
 * Tasks, as those who have to do with them see them. To everybody else there are none. Errors: see TaskApi.
 */
export class Tasks {
  readonly #deps: TasksDeps;

  constructor(deps: TasksDeps) {
    this.#deps = deps;
  }

  async create(call: Call, input: NewTask): Promise<{ readonly task: Task; readonly duplicate: boolean }> {
    const { live, duplicate } = await this.#deps.creation.create(call, input);
    return { task: viewOfTask(live.task), duplicate };
  }

  async get(call: Call, taskId: string, view: { readonly historyLength?: number } = {}): Promise<Task> {
    return viewOfTask((await this.#visible(call, taskId)).task, view.historyLength);
  }

  async list(call: Call, input: TaskListInput): Promise<TaskPage> {
    return listTasks(this.#deps, requireAgent(call.principal).agentId, input);
  }

  async say(call: Call, taskId: string, message: TaskMessage): Promise<Task> {
    const { record } = await this.#visible(call, taskId);
    const author = callerOf(call, record);
    if (author === undefined) {
      throw new MeshError("permission_denied", "only who gave the task takes a turn in it", {
        hint: "as its worker, update the task: a status can carry a message",
      });
    }
    const { contextId } = record;
    const placed = placedMessage(message, { taskId, contextId, role: TaskRole.USER, newId: randomUUID });
    const { writer, admission } = this.#deps;
    const release = await admission.admit(admittedAs(author, call));
    try {
      const live = await writer.write(taskId, this.#turnOf(author, placed), (now) => {
        checkOpen(now);
        // Whoever waits for the worker must see that it is the worker's turn again.
        const isAnswer = isInterrupted(stateOf(now.task));
        const status = isAnswer
          ? { status: taskStatus(TaskState.SUBMITTED, this.#deps.clock.nowUnixMs()) }
          : {};
        return { message: placed, ...status };
      });
      return viewOfTask(live.task);
    } finally {
      release?.();
    }
  }

  async update(call: Call, taskId: string, update: WorkerUpdate): Promise<Task> {
    const author = requireAgent(call.principal).agentId;
    const { record } = await this.#visible(call, taskId);
    if (author !== record.worker) {
      throw new MeshError("permission_denied", "only its worker updates a task", {
        hint: "as who gave it, send it a message or cancel it",
      });
    }
    const event = this.#eventOf(record, update);
    const { dedupeKey = "" } = update;
    const live = await this.#deps.writer.write(taskId, { author, dedupeKey }, (now) => {
      checkOpen(now);
      return event;
    });
    return viewOfTask(live.task);
  }

  async cancel(call: Call, taskId: string, metadata?: JsonObject): Promise<Task> {
    const { record } = await this.#visible(call, taskId);
    const author = callerOf(call, record);
    if (author === undefined) {
      throw new MeshError("permission_denied", "only who gave the task cancels it", {
        hint: "as its worker, reject it or let it fail",
      });
    }
    const live = await this.#deps.writer.write(taskId, { author, dedupeKey: "" }, (now) => {
      if (stateOf(now.task) === TaskState.CANCELED) return undefined;
      checkOpen(now);
      const status = taskStatus(TaskState.CANCELED, this.#deps.clock.nowUnixMs());
      return { status, ...given(metadata) };
    });
    return viewOfTask(live.task);
  }

  async subscribe(call: Call, taskId: string, after?: number): Promise<TaskFollower> {
    return this.#deps.watches.open(call, await this.#visible(call, taskId), after);
  }

  async subscribeWithReceipts(call: Call, taskId: string, after?: number): Promise<ReceiptedFollower> {
    const { watches, receipts, live } = this.#deps;
    const found = await this.#visible(call, taskId);
    const follower = await watches.open(call, found, after);
    return new ReceiptedFollower(follower, { record: found.record, after, receipts, live });
  }

  async receipt(call: Call, taskId: string): Promise<TaskReceipt | undefined> {
    await this.#visible(call, taskId);
    return this.#deps.receipts.of(taskId);
  }

  /** The hub's own word: the worker answered a call that brought it the event of this id. */
  async taken(taskId: string, eventId: string): Promise<void> {
    await this.#deps.receipts.taken(taskId, eventId);
  }

  /** The hub's own word: nobody will do the task. It stands among the dead messages of who gave it; the caller ends it. */
  async giveUp(taskId: string, death: TaskDeath): Promise<void> {
    await this.#deps.dead(taskId, death);
  }

  /**
   * Not found for who has nothing to do with it, without a word on whether there is one: a task of others costs the same
   * one look into the index as none does, and its events are not read.
   */
  async #visible({ principal }: Call, taskId: string): Promise<LiveTask> {
    const { live, store } = this.#deps;
    const kept = live.kept(taskId);
    if (kept !== undefined && isPartyOf(principal, kept.record)) return kept;
    const record = isUuid(taskId) ? await store.find(taskId) : undefined;
    const isParty = record !== undefined && isPartyOf(principal, record);
    const found = isParty ? await live.find(taskId) : undefined;
    if (found !== undefined) return found;
    // Who has no name is to say who it is, whatever there is.
    requireAgent(principal);
    throw noSuchTask();
  }

  #turnOf(author: string, placed: TaskMessage): Saying {
    const { messageId } = placed;
    return {
      ...{ author, dedupeKey: messageId },
      onRepeat: ({ task }) =>
        checkRepeat(
          task.history.find((said) => said.messageId === messageId && said.role === TaskRole.USER),
          placed,
        ),
    };
  }

  #eventOf({ taskId, contextId }: TaskRecord, update: WorkerUpdate) {
    const { artifact, status, metadata, dedupeKey = "" } = update;
    checkText(dedupeKey, "dedupe_key");
    if (artifact === undefined && status === undefined) {
      throw new MeshError("invalid_argument", "an update has neither artifact nor status", {
        hint: "give one of them",
      });
    }
    const place = { taskId, contextId, role: TaskRole.AGENT, newId: randomUUID };
    return {
      ...(artifact === undefined ? {} : { artifact: checkedArtifact(artifact) }),
      ...(status === undefined ? {} : { status: checkedStatus(status, place, this.#deps.clock.nowUnixMs()) }),
      ...given(metadata),
    };
  }
}

/** Whether a caller has to do with a task. A guest's is open to whoever knows its id. */
function isPartyOf(principal: Principal, { caller, worker }: TaskRecord): boolean {
  if (caller === GUEST) return true;
  return principal.kind === "agent" && (principal.agentId === caller || principal.agentId === worker);
}

/** The name under which the caller of this call gave the task; undefined when it did not. */
function callerOf({ principal }: Call, { caller, worker }: TaskRecord): string | undefined {
  const name = principal.kind === "agent" ? principal.agentId : GUEST;
  if (caller === GUEST) return name === worker ? undefined : GUEST;
  return caller === name ? name : undefined;
}

function given(metadata: JsonObject | undefined) {
  return metadata === undefined ? {} : { metadata: { ...metadata } };
}
