import type { TaskEvent } from "../../gen/meshkore/v1/tasks_pb.js";
import type { Header } from "../../model/envelope.ts";
import { NO_MESSAGE_ID, pointerIdFromMessageId } from "../../model/message-id.ts";
import type { Position } from "../../model/position.ts";
import { GUEST, HUB_AUTHOR, isTerminal, stateOf } from "../../model/task.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { LogRecord, MessageLog } from "../../ports/message-log.ts";
import type { TaskRecord } from "../../ports/task-store.ts";
import type { Delivery } from "../delivery.ts";
import { encodePointer } from "../pointer.ts";
import { inboxStream } from "../streams.ts";
import type { LiveTask } from "./live-tasks.ts";
import { eventFromRecord, taskStream } from "./task-events.ts";

const PAGE = 100;
const RETRY_MS = 50;
const MAX_RETRY_MS = 5000;

export interface TaskFanoutDeps {
  readonly log: MessageLog;
  readonly delivery: Delivery;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Whether anybody reads the agent's inbox (any more). */
  readonly isLiving: (agentId: string) => Promise<boolean>;
  /** Everybody was told of the end. */
  readonly settled: (live: LiveTask) => Promise<void>;
}

interface Waiting {
  readonly sequence: number;
  readonly go: () => void;
}

/**
 * Brings each event of a task to the inboxes of those who are to know it, as a pointer, in the order of the events. The
 * mark `fanout` of the task's stream says how far that has come: a crash in between costs repeats of what the hub itself
 * says, never an event.
 */
export class TaskFanout {
  readonly #deps: TaskFanoutDeps;
  readonly #running = new Map<string, Promise<void>>();
  /** Tasks that got one more event while they were being brought on. */
  readonly #again = new Set<string>();
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #startedUnixMs: number;
  #isStopped = false;

  constructor(deps: TaskFanoutDeps) {
    this.#deps = deps;
    this.#startedUnixMs = deps.clock.nowUnixMs();
  }

  /** Makes sure that the task's events are being brought on; cheap when they are. */
  wake(live: LiveTask): void {
    const { taskId } = live.record;
    if (this.#isStopped) return;
    if (this.#running.has(taskId)) {
      this.#again.add(taskId);
      return;
    }
    this.#running.set(taskId, this.#run(live));
  }

  /** When the event of this sequence is in its inboxes, or could not be brought there for now. */
  async brought(taskId: string, sequence: number): Promise<void> {
    if (!this.#running.has(taskId)) return;
    await new Promise<void>((go) => {
      const waiting = this.#waiting.get(taskId) ?? [];
      this.#waiting.set(taskId, [...waiting, { sequence, go }]);
    });
  }

  /** What is not brought on yet is, with the hub's next start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running.values());
  }

  async #run(live: LiveTask): Promise<void> {
    const { taskId } = live.record;
    let waitMs = RETRY_MS;
    let at: Position | undefined;
    do {
      this.#again.delete(taskId);
      try {
        at = await this.#bringAll(live, at ?? (await this.#deps.log.acked(taskStream(taskId), "fanout")));
        waitMs = RETRY_MS;
      } catch (error) {
        this.#deps.logger.warn("task.delayed", { task: taskId, error });
        this.#again.add(taskId);
        this.#letGo(taskId, Number.POSITIVE_INFINITY);
        await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
        waitMs = Math.min(waitMs * 2, MAX_RETRY_MS);
      }
    } while (this.#again.has(taskId) && !this.#isStopped);
    this.#again.delete(taskId);
    this.#letGo(taskId, Number.POSITIVE_INFINITY);
    this.#running.delete(taskId);
  }

  /** Gives how far it came. The mark is written behind, so that events which follow fast do not wait for it. */
  async #bringAll(live: LiveTask, from: Position): Promise<Position> {
    const { log, settled } = this.#deps;
    const stream = taskStream(live.record.taskId);
    let at: Position = { epoch: from.epoch, offset: from.offset };
    let marked: Promise<unknown> = Promise.resolve();
    for (;;) {
      const page = await log.read(stream, { from: at, limit: PAGE });
      if (page.gap) at = { epoch: page.first.epoch, offset: page.first.offset - 1 };
      for (const record of page.records) {
        await this.#bringOne(live.record, record);
        this.#letGo(live.record.taskId, record.offset);
      }
      const last = page.records.at(-1);
      if (last !== undefined) {
        at = { epoch: last.epoch, offset: last.offset };
        marked = log.ack(stream, "fanout", at);
      } else if (!page.gap) break;
    }
    if (!isTerminal(stateOf(live.task)) || live.task.sequence !== BigInt(at.offset)) {
      marked.catch((error: unknown) => this.#deps.logger.warn("task.not_marked", { stream, error }));
      return at;
    }
    await marked;
    await settled(live);
    return at;
  }

  /** By an earlier run of the hub, whose mark was lost with it. */
  async #wasBrought(id: string, { createdUnixMs }: Header): Promise<boolean> {
    if (id === NO_MESSAGE_ID || createdUnixMs >= this.#startedUnixMs) return false;
    return (await this.#deps.log.locate(id)) !== undefined;
  }

  #letGo(taskId: string, upTo: number): void {
    const waiting = this.#waiting.get(taskId);
    if (waiting === undefined) return;
    const later = waiting.filter(({ sequence }) => sequence > upTo);
    if (later.length > 0) this.#waiting.set(taskId, later);
    else this.#waiting.delete(taskId);
    for (const { sequence, go } of waiting) if (sequence <= upTo) go();
  }

  async #bringOne(task: TaskRecord, record: LogRecord): Promise<void> {
    const { log, delivery, isLiving } = this.#deps;
    const stream = taskStream(task.taskId);
    const { event, header } = eventFromRecord(record);
    const readers = readersOf(task, event);
    if (readers.length === 0) return;
    delivery.remember(stream, record);
    const bytes = encodePointer({ stream, epoch: record.epoch, offset: record.offset });
    // By the id it is found in the inbox of its reader, and by its place there how far it has come.
    const id = readers.length === 1 ? pointerIdFromMessageId(header.id) : NO_MESSAGE_ID;
    if (await this.#wasBrought(id, header)) return;
    for (const reader of readers) {
      if (await isLiving(reader)) await log.append(inboxStream(reader), { id, bytes });
    }
  }
}

/** Nobody gets an event of its own making, but for who gives a task to itself. */
function readersOf(task: TaskRecord, event: TaskEvent): readonly string[] {
  const caller = task.tellsCaller && task.caller !== GUEST ? [task.caller] : [];
  if (event.author === HUB_AUTHOR) return [...new Set([task.worker, ...caller])];
  if (task.caller === task.worker) return event.message === undefined ? [] : [task.worker];
  return event.author === task.worker ? caller : [task.worker];
}
