import type { Task } from "../../gen/meshkore/v1/tasks_pb.js";
import { MeshError } from "../../model/errors.ts";
import { createLru } from "../../model/lru.ts";
import { START } from "../../model/position.ts";
import type { LogRecord, MessageLog } from "../../ports/message-log.ts";
import type { TaskRecord, TaskStore } from "../../ports/task-store.ts";
import { applyEvent, emptyTask } from "./fold.ts";
import { eventFromRecord, type StoredTaskEvent, taskStream } from "./task-events.ts";

const PAGE = 500;
const MAX_EVENTS = 100_000;
const MAX_BYTES = 67_108_864;
/** What a task weighs beside its events. */
const TASK_BYTES = 2048;
/** Of the events of tasks that are kept in memory. One that did not fit would be read anew with each of its events. */
const KEPT_BYTES = 100_663_296;

/** A task with all that was said about it. */
export interface LiveTask {
  readonly record: TaskRecord;
  /** Changed by `applyEvent` alone. */
  readonly task: Task;
  /** Of the stream. */
  epoch: number;
  /** Of the stored events. */
  bytes: number;
  /** Keys of the events, `author\nkey`. */
  readonly keys: Set<string>;
  /** What who gave the task said first, and last; undefined when that is erased. */
  first: Said | undefined;
  latest: Said | undefined;
  /** Of the latest event that its worker is known to have, whatever its inbox says; ids rise. Empty = none. */
  takenId: string;
}

/** An event that holds a message of who gave the task. */
export interface Said {
  /** Of the event's envelope. */
  readonly eventId: string;
  readonly sequence: number;
  readonly messageId: string;
  readonly atUnixMs: number;
}

/** Tasks as the log has them. Those that were asked for lately are kept in memory. */
export class LiveTasks {
  readonly #log: MessageLog;
  readonly #store: TaskStore;
  #kept = emptyCache();
  readonly #loading = new Map<string, Promise<LiveTask | undefined>>();

  constructor(log: MessageLog, store: TaskStore) {
    this.#log = log;
    this.#store = store;
  }

  /** What is in memory; undefined says nothing of whether there is such a task. */
  kept(taskId: string): LiveTask | undefined {
    return this.#kept.get(taskId);
  }

  /** Undefined when there is no such task (any more). */
  find(taskId: string): LiveTask | undefined | Promise<LiveTask | undefined> {
    const kept = this.#kept.get(taskId);
    if (kept !== undefined) return kept;
    const known = this.#loading.get(taskId);
    if (known !== undefined) return known;
    const loading = this.#load(taskId).finally(() => this.#loading.delete(taskId));
    this.#loading.set(taskId, loading);
    return loading;
  }

  /** A task before its first event. */
  begin(record: TaskRecord): LiveTask {
    const nothing = { epoch: 0, bytes: 0, first: undefined, latest: undefined, takenId: "" };
    return { record, task: emptyTask(record), keys: new Set(), ...nothing };
  }

  /** Takes an event that is durable now. To be called in the order of the events. */
  take(live: LiveTask, stored: StoredTaskEvent, { epoch, bytes }: Pick<LogRecord, "epoch" | "bytes">): void {
    applyEvent(live.task, stored);
    live.epoch = epoch;
    live.bytes += bytes.length;
    if (stored.header.dedupeKey !== "") live.keys.add(keyOf(stored.event.author, stored.header.dedupeKey));
    noteSaid(live, stored);
    this.#kept.set(live.record.taskId, live);
  }

  forget(taskId: string): void {
    this.#kept.delete(taskId);
  }

  /** Lets go of all that is kept in memory. */
  clear(): void {
    this.#kept = emptyCache();
  }

  async #load(taskId: string): Promise<LiveTask | undefined> {
    const record = await this.#store.find(taskId);
    if (record === undefined) return undefined;
    const live = this.begin(record);
    for (let at = START; ; ) {
      const { records } = await this.#log.read(taskStream(taskId), { from: at, limit: PAGE });
      for (const record of records) this.take(live, eventFromRecord(record), record);
      const last = records.at(-1);
      if (last === undefined) return live.task.sequence === 0n ? undefined : live;
      at = last;
    }
  }
}

function emptyCache() {
  return createLru<LiveTask>({ maxWeight: KEPT_BYTES, weigh: ({ bytes }) => bytes + TASK_BYTES });
}

function noteSaid(live: LiveTask, { event, header, sequence }: StoredTaskEvent): void {
  if (event.message === undefined) return;
  const { messageId } = event.message;
  live.latest = { eventId: header.id, sequence, messageId, atUnixMs: header.createdUnixMs };
  live.first ??= live.latest;
}

/** How a repeated event is told. */
export function keyOf(author: string, dedupeKey: string): string {
  return `${author}\n${dedupeKey}`;
}

/** @throws MeshError too_large when the task has no room for one more event of that many bytes */
export function checkRoom(live: LiveTask, bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) {
    throw new MeshError("too_large", `what is said at once about a task has at most ${maxBytes} bytes`, {
      hint: "send it in pieces that are appended to one artifact, or send a link to it",
    });
  }
  if (live.task.sequence < MAX_EVENTS && live.bytes + bytes <= MAX_BYTES) return;
  throw new MeshError("too_large", `a task has at most ${MAX_EVENTS} events and ${MAX_BYTES} bytes`, {
    hint: "end it, and go on in a new task of the same context",
  });
}
