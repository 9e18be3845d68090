import type { Task, TaskEvent } from "../../gen/meshkore/v1/tasks_pb.js";
import type { TaskCounts } from "../../model/counts.ts";
import { MeshError } from "../../model/errors.ts";
import { hubIsStopping } from "../../model/hub-stopping.ts";
import { type Call, unauthenticated } from "../../model/principal.ts";
import { isTerminal, stateOf } from "../../model/task.ts";
import type { CredentialWatch, WatchedCredential } from "../../ports/credential-watch.ts";
import type { Logger } from "../../ports/logger.ts";
import type { LogRecord, MessageLog } from "../../ports/message-log.ts";
import type { CloseReason, Sink, SinkState } from "../../ports/sink.ts";
import { safetyReadMsOf, sourceFromLog } from "../log-source.ts";
import { endFromReason, PulledQueue } from "../pulled-queue.ts";
import { Pump } from "../pump.ts";
import { viewOfTask } from "./fold.ts";
import type { LiveTask } from "./live-tasks.ts";
import { eventFromRecord, taskStream } from "./task-events.ts";

const PAGE = 100;
const RETRY_MS = 50;
const MAX_WATCHES_PER_CALLER = 1000;

/** What a follower of a task gets. */
export type TaskNews =
  | { readonly task: Task; readonly event?: undefined; readonly sequence: number }
  | { readonly task?: undefined; readonly event: TaskEvent; readonly sequence: number };

export interface TaskWatchesDeps {
  readonly log: MessageLog;
  readonly logger: Logger;
  readonly credentialWatch: CredentialWatch;
  readonly counts: TaskCounts;
}

/** All that follow tasks live. */
export class TaskWatches {
  readonly #deps: TaskWatchesDeps;
  readonly #open = new Set<TaskFollower>();
  readonly #perCaller = new Map<string, number>();
  #isClosed = false;

  constructor(deps: TaskWatchesDeps) {
    this.#deps = deps;
  }

  /**
   * Follows a task that the caller may see: from the event after `after`, or the task itself first.
   * @throws MeshError gap, unauthenticated, rate_limited, unavailable
   */
  async open(call: Call, live: LiveTask, after: number | undefined): Promise<TaskFollower> {
    if (this.#isClosed) throw hubIsStopping("subscribe again");
    if (after !== undefined && after > Number(live.task.sequence)) throw taskGap();
    const { principal } = call;
    const key = principal.kind === "agent" ? principal.agentId : `~ ${call.remoteAddress}`;
    this.#reserve(key);
    try {
      const credential =
        principal.kind === "agent" ? await this.#deps.credentialWatch.watch(principal) : undefined;
      if (credential?.hasEnded === true) throw unauthenticated();
      if (this.#isClosed) {
        credential?.stop();
        throw hubIsStopping("subscribe again");
      }
      const follower = new TaskFollower(this.#deps, { call, live, after, credential }, () => {
        if (!this.#open.delete(follower)) return;
        this.#deps.counts.followed -= 1;
        this.#release(key);
      });
      this.#open.add(follower);
      this.#deps.counts.followed += 1;
      follower.begin();
      return follower;
    } catch (thrown) {
      this.#release(key);
      throw thrown;
    }
  }

  closeAll(reason: CloseReason): void {
    this.#isClosed = true;
    for (const follower of [...this.#open]) follower.close(reason);
  }

  #reserve(key: string): void {
    const count = this.#perCaller.get(key) ?? 0;
    if (count >= MAX_WATCHES_PER_CALLER) {
      throw new MeshError(
        "rate_limited",
        `a caller follows at most ${MAX_WATCHES_PER_CALLER} tasks at once`,
        {
          hint: "close streams that are not in use",
          retryAfterS: 5,
        },
      );
    }
    this.#perCaller.set(key, count + 1);
  }

  #release(key: string): void {
    const count = this.#perCaller.get(key) ?? 0;
    if (count > 1) this.#perCaller.set(key, count - 1);
    else this.#perCaller.delete(key);
  }
}

interface Following {
  readonly call: Call;
  readonly live: LiveTask;
  readonly after: number | undefined;
  readonly credential: WatchedCredential | undefined;
}

/** One follower: a sink that its reader pulls. What is not pulled stays in the log, but for one page. */
export class TaskFollower implements AsyncIterableIterator<TaskNews, undefined>, Sink {
  readonly #deps: TaskWatchesDeps;
  readonly #following: Following;
  readonly #ended: () => void;
  #pump: Pump | undefined;
  readonly #queue = new PulledQueue<TaskNews>();
  #resume: () => void = () => undefined;
  readonly #callerWentAway = (): void => this.close();

  constructor(deps: TaskWatchesDeps, following: Following, ended: () => void) {
    this.#deps = deps;
    this.#following = following;
    this.#ended = ended;
  }

  begin(): void {
    const { call, live, after, credential } = this.#following;
    if (credential !== undefined) credential.opened = { end: (why) => this.close(why) };
    call.signal.addEventListener("abort", this.#callerWentAway, { once: true });
    const sequence = Number(live.task.sequence);
    const wasOver = isTerminal(stateOf(live.task));
    if (after === undefined) this.#queue.add([{ task: viewOfTask(live.task), sequence }]);
    const { logger, log } = this.#deps;
    const stream = taskStream(live.record.taskId);
    this.#pump = new Pump(
      sourceFromLog(log, stream),
      this,
      { epoch: live.epoch, offset: after ?? sequence },
      {
        pageSize: PAGE,
        retryMs: RETRY_MS,
        safetyReadMs: safetyReadMsOf(log),
        onReadError: (error) => logger.warn("task.not_read", { stream, error }),
        // What is over already has no event that says so behind this one.
        onCaughtUp: () => {
          if (wasOver) this.#finish(undefined);
        },
      },
    );
    if (call.signal.aborted) this.close();
    else this.#pump.start();
  }

  write(records: readonly LogRecord[]): SinkState {
    if (this.#queue.isOver) return "closed";
    const news: TaskNews[] = [];
    let isOver = false;
    for (const record of records) {
      const { event, sequence } = eventFromRecord(record);
      // Of erased agents' tasks the events do not name it.
      event.contextId = this.#following.live.record.contextId;
      news.push({ event, sequence });
      isOver = event.status !== undefined && isTerminal(event.status.state);
      // What is behind the end means nothing.
      if (isOver) break;
    }
    this.#queue.add(news);
    if (!isOver) return "full";
    this.#finish(undefined);
    return "closed";
  }

  onReady(resume: () => void): void {
    this.#resume = resume;
  }

  /** By the pump, the hub or the credential with a reason; by whoever reads, without. */
  close(reason?: CloseReason): void {
    if (this.#queue.isOver) return;
    const { error, keepsHeld } = endFromReason(reason, {
      gap: taskGap(),
      again: "subscribe again",
      what: "the stream",
    });
    if (!keepsHeld) this.#queue.drop();
    this.#finish(error);
  }

  async next(): Promise<IteratorResult<TaskNews, undefined>> {
    if (!(await this.#queue.untilHeld())) return { done: true, value: undefined };
    const [news] = this.#queue.take(1);
    if (this.#queue.held.length === 0 && !this.#queue.isOver) this.#resume();
    return news === undefined ? { done: true, value: undefined } : { done: false, value: news };
  }

  async return(): Promise<IteratorResult<TaskNews, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(error: MeshError | undefined): void {
    if (this.#queue.isOver) return;
    // First: what follows may close it again.
    this.#queue.end(error);
    this.#pump?.stop();
    this.#following.call.signal.removeEventListener("abort", this.#callerWentAway);
    this.#following.credential?.stop();
    this.#ended();
  }
}

function taskGap(): MeshError {
  return new MeshError("gap", "that event is not there", {
    hint: "subscribe without a sequence: the task as it is comes first",
  });
}
