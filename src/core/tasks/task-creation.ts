import { randomUUID } from "node:crypto";
import { create, type JsonObject } from "@bufbuild/protobuf";
import { TaskCreatedSchema, type TaskMessage, TaskRole, TaskState } from "../../gen/meshkore/v1/tasks_pb.js";
import { MeshError } from "../../model/errors.ts";

import { type Call, requireAgent, unauthenticated } from "../../model/principal.ts";
import { GUEST, taskStatus } from "../../model/task.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Directory } from "../../ports/directory.ts";
import type { MessageLog } from "../../ports/message-log.ts";
import type { TaskRecord, TaskStore } from "../../ports/task-store.ts";
import type { Admission } from "../admission.ts";
import { type CoreBounds, DEDUPE_WINDOW_MS } from "../bounds.ts";
import type { Routes } from "../routes.ts";
import { inboxStream } from "../streams.ts";
import { checkText, placedMessage } from "./checks.ts";
import type { LiveTask, LiveTasks } from "./live-tasks.ts";
import { checkRepeat } from "./repeats.ts";
import type { NewEvent, TaskWriter } from "./task-writer.ts";

const MAX_OUTPUT_MODES = 100;

/** What a caller says of a new task. */
export interface NewTask {
  /** Agent id. */
  readonly to: string;
  /** Needs parts; `messageId` counts as dedupe key when there is no other. `taskId` must be empty. */
  readonly message: TaskMessage;
  /**
   * A repeat of the key by the same caller to the same worker within 24 h gives the first task; with another message it
   * is refused.
   */
  readonly dedupeKey?: string;
  readonly metadata?: JsonObject;
  readonly acceptedOutputModes?: readonly string[];
  /** Nothing of the task comes into the caller's inbox. */
  readonly noInbox?: boolean;
  readonly traceparent?: string;
}

export interface TaskCreationDeps {
  readonly log: MessageLog;
  readonly store: TaskStore;
  readonly live: LiveTasks;
  readonly writer: TaskWriter;
  readonly directory: Directory;
  readonly routes: Routes;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly bounds: CoreBounds;
}

/**
 * Makes tasks. The index has the task first, then the log its first event: one without an event was never accepted, and
 * is gone with the next start.
 */
export class TaskCreation {
  readonly #deps: TaskCreationDeps;

  constructor(deps: TaskCreationDeps) {
    this.#deps = deps;
  }

  async create(
    call: Call,
    input: NewTask,
  ): Promise<{ readonly live: LiveTask; readonly duplicate: boolean }> {
    const { admission, store } = this.#deps;
    checkInput(input);
    const caller = await this.#callerOf(call, input.to);
    const release = await admission.admit(admittedAs(caller, call));
    try {
      const worker = await this.#workerFor(caller, input.to);
      const record = this.#recordOf(input, caller, worker);
      // What is wrong with it is told before anything is stored.
      firstEvent(record, input);
      await this.#checkInbox(worker);
      const known = await store.create(record, record.createdUnixMs - DEDUPE_WINDOW_MS);
      if (known !== undefined) return await this.#repeated(known, input);
      return { live: await this.#begin(record, input), duplicate: false };
    } finally {
      release?.();
    }
  }

  async #begin(record: TaskRecord, input: NewTask): Promise<LiveTask> {
    try {
      return await this.#writeFirst(record, input);
    } catch (thrown) {
      // It was refused. Should this fail too, the next start finds a task without an event.
      await this.#deps.store.remove([record.taskId]).catch(() => undefined);
      throw thrown;
    }
  }

  /** The first call of the key may still be under way, or may have died between index and log. */
  async #repeated(known: TaskRecord, input: NewTask) {
    const found = await this.#deps.live.find(known.taskId);
    checkRepeat(found?.task.history[0], input.message);
    return { live: found ?? (await this.#writeFirst(known, input)), duplicate: true };
  }

  /** The key of the event sees to it that there is one first event, whoever brings it. */
  async #writeFirst(record: TaskRecord, input: NewTask): Promise<LiveTask> {
    const { live, writer } = this.#deps;
    const begun = live.begin(record);
    if (await writer.append(begun, firstEvent(record, input))) return begun;
    live.forget(record.taskId);
    const written = await live.find(record.taskId);
    if (written !== undefined) return written;
    throw new MeshError("unavailable", "the task could not be written", { hint: "try again" });
  }

  async #callerOf({ principal }: Call, to: string): Promise<string> {
    if (principal.kind !== "anonymous") return requireAgent(principal).agentId;
    const worker = await this.#deps.directory.lookup(to);
    // Who is not let in does not learn who is here.
    if (worker?.profile.access !== "public") throw unauthenticated();
    return GUEST;
  }

  async #workerFor(caller: string, to: string): Promise<string> {
    const route = await this.#deps.routes.resolve(caller, to);
    if (route.kind === "inbox") return route.to;
    throw new MeshError("invalid_argument", "a task goes to one agent, not to a channel", {
      hint: "send the channel a message, or give each agent a task of its own",
    });
  }

  /** The bound of the worker's inbox: what points to the task there is not refused any more. */
  async #checkInbox(worker: string): Promise<void> {
    const { log, bounds } = this.#deps;
    const stream = inboxStream(worker);
    const mark = await log.acked(stream, "inbox");
    const { end } = await log.read(stream, { from: mark, limit: 0 });
    if (end.offset - mark.offset < bounds.inboxMaxMessages) return;
    throw new MeshError("inbox_full", `the inbox of ${worker} is full`, {
      hint: "try again when the agent has read and acknowledged",
    });
  }

  #recordOf(input: NewTask, caller: string, worker: string): TaskRecord {
    const nowUnixMs = this.#deps.clock.nowUnixMs();
    const { message, noInbox = false } = input;
    // Guests share one name: one's key must not give another's task.
    const dedupeKey = caller === GUEST ? "" : (input.dedupeKey ?? message.messageId);
    return {
      // Not of the time alone: who knows the id of a guest's task has the task.
      taskId: randomUUID(),
      contextId: message.contextId === "" ? randomUUID() : message.contextId,
      ...{ caller, worker, dedupeKey },
      tellsCaller: !noInbox,
      state: TaskState.SUBMITTED,
      changedUnixMs: nowUnixMs,
      createdUnixMs: nowUnixMs,
      isSettled: false,
    };
  }
}

/** Who counts for the limits: guests by where they come from. */
export function admittedAs(caller: string, { remoteAddress }: Call): string {
  return caller === GUEST ? `${GUEST} ${remoteAddress}` : caller;
}

function checkInput({ message, dedupeKey = "", acceptedOutputModes = [] }: NewTask): void {
  checkText(dedupeKey, "dedupe_key");
  checkText(message.contextId, "message.context_id");
  if (message.taskId !== "") {
    throw new MeshError("invalid_argument", "message.task_id is given for a new task", {
      hint: "the hub gives a task its id; to go on with a task, send it a message",
    });
  }
  if (
    acceptedOutputModes.length > MAX_OUTPUT_MODES ||
    acceptedOutputModes.some((mode) => mode.length > 255)
  ) {
    throw new MeshError("invalid_argument", "accepted_output_modes is too long", {
      hint: "name fewer media types",
    });
  }
}

function firstEvent(record: TaskRecord, input: NewTask): NewEvent {
  const { taskId, contextId, caller, worker, createdUnixMs } = record;
  const { metadata, acceptedOutputModes = [], traceparent } = input;
  const place = { taskId, contextId, role: TaskRole.USER, newId: randomUUID };
  return {
    event: {
      created: create(TaskCreatedSchema, {
        ...{ caller, worker },
        acceptedOutputModes: [...acceptedOutputModes],
        ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
      }),
      message: placedMessage({ ...input.message, taskId: "" }, place),
      status: taskStatus(TaskState.SUBMITTED, createdUnixMs),
    },
    author: caller,
    dedupeKey: record.dedupeKey,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}
