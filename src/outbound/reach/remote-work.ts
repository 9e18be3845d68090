import { eventFromRecord } from "../../core/tasks/task-events.ts";
import type { Tasks } from "../../core/tasks/tasks.ts";
import { type TaskEvent, TaskState, type TaskStatus } from "../../gen/meshkore/v1/tasks_pb.js";
import { isTerminal } from "../../model/task.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { LogRecord } from "../../ports/message-log.ts";
import type { ReachStore, RemoteTaskRecord } from "../../ports/reach-store.ts";
import { DeliveryFailure, failureFromUnknown } from "../delivery-failure.ts";
import { pause, type RetryPolicy, waitAfter } from "../retry.ts";
import type { RemoteAgent, RemoteNews, RemotePlace } from "./dialect.ts";
import { LocalTask, type LocalTaskDeps } from "./local-task.ts";

const PAGE = 100;

export interface RemoteWorkDeps extends LocalTaskDeps {
  readonly tasks: Pick<Tasks, "get" | "update" | "giveUp" | "taken">;
  readonly agentId: string;
  readonly store: ReachStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retry: RetryPolicy;
  /** @throws DeliveryFailure when nothing is known that could be called */
  readonly remote: () => RemoteAgent;
}

interface Following {
  readonly leaving: AbortController;
  readonly ended: Promise<void>;
}

/** The tasks that one foreign agent works on: turns and cancellations go there, what it says comes back. */
export class RemoteWork {
  readonly #deps: RemoteWorkDeps;
  readonly #following = new Map<string, Following>();
  /** What each agent's task stood at when it was heard of last, to tell an old status from a new one. */
  readonly #heard = new Map<string, string>();
  readonly #stopping = new AbortController();

  constructor(deps: RemoteWorkDeps) {
    this.#deps = deps;
  }

  /** Goes on with what an earlier run left over. */
  async resume(): Promise<void> {
    const { store, agentId } = this.#deps;
    for (let after = ""; !this.#stopping.signal.aborted; ) {
      const page = await store.openTasks(agentId, after, PAGE);
      for (const { taskId } of page) if (!this.#following.has(taskId)) this.#follow(taskId, undefined);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.taskId;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const all = [...this.#following.values()];
    for (const { leaving } of all) leaving.abort();
    await Promise.all(all.map(({ ended }) => ended));
  }

  /** One attempt to bring an event of a task to the agent. */
  async deliver(record: LogRecord, signal: AbortSignal): Promise<void> {
    const { event, header } = eventFromRecord(record);
    const local = this.#local(event.taskId);
    const task = await local.now();
    if (task === undefined || event.author === this.#deps.agentId) return;
    const known = await this.#deps.store.task(event.taskId);
    const state = task.status?.state ?? TaskState.UNSPECIFIED;
    // It was ended here: the agent may leave off.
    if (isTerminal(state)) return this.#cancel(known, signal);
    if (event.message === undefined) return;
    // It was taken before the hub went down: what it says about it is heard again.
    if (event.created !== undefined && known !== undefined) return;
    await this.#send({ event, eventId: header.id }, known, signal);
  }

  /** What cannot be delivered ends its task. */
  async giveUp(record: LogRecord, failure: DeliveryFailure): Promise<void> {
    const { event } = eventFromRecord(record);
    const isCancellation = event.message === undefined;
    const { logger, agentId } = this.#deps;
    logger.warn("reach.given_up", { agent: agentId, task: event.taskId, reason: failure.message });
    if (!isCancellation) await this.#fail(event.taskId, failure);
  }

  async #send(
    { event, eventId }: { readonly event: TaskEvent; readonly eventId: string },
    known: RemoteTaskRecord | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, agentId, remote, tasks } = this.#deps;
    const { taskId, contextId, message } = event;
    if (message === undefined) return;
    await this.#leave(taskId);
    const agent = remote();
    const remoteContext = known?.remoteContextId ?? (await store.remoteContext(agentId, contextId));
    const referenceTaskIds = await this.#remoteNames(message.referenceTaskIds);
    const place = { taskId: known?.remoteTaskId ?? "", contextId: remoteContext ?? contextId };
    const turn = {
      message: { ...message, ...place, referenceTaskIds },
      acceptedOutputModes: event.created?.acceptedOutputModes ?? [],
      metadata: event.created?.metadata,
    };
    const leaving = new AbortController();
    const both = AbortSignal.any([leaving.signal, signal]);
    const answers = agent.send(turn, both)[Symbol.asyncIterator]();
    const first = await answers.next();
    if (first.done === true) throw new DeliveryFailure("it answered nothing", { isAnswer: true });
    let goesOn = false;
    try {
      await tasks.taken(taskId, eventId);
      if (first.value.kind === "message") {
        // Nobody could ask for it again: it is kept before the turn counts as delivered.
        await this.#local(taskId).take(first.value);
        await this.#close(taskId);
        return;
      }
      await this.#remember(event, first.value.place);
      this.#follow(taskId, { first: first.value, answers, leaving });
      goesOn = true;
    } finally {
      // Nobody listens any more to a stream that may go on.
      if (!goesOn) await answers.return?.();
    }
  }

  /** What the agent calls these tasks; those that it knows nothing of would mean nothing to it. */
  async #remoteNames(taskIds: readonly string[]): Promise<string[]> {
    const { store, agentId } = this.#deps;
    const known = await Promise.all(taskIds.map((taskId) => store.task(taskId)));
    return known.flatMap((task) => (task?.agentId === agentId ? [task.remoteTaskId] : []));
  }

  async #remember({ taskId, contextId }: TaskEvent, place: RemotePlace): Promise<void> {
    const { store, agentId, clock } = this.#deps;
    if (place.taskId === "")
      throw new DeliveryFailure("it did not say what it calls the task", { isFinal: true });
    await store.putTask({
      ...{ taskId, agentId, contextId, isOpen: true, changedUnixMs: clock.nowUnixMs() },
      ...{ remoteTaskId: place.taskId, remoteContextId: place.contextId },
    });
  }

  async #cancel(known: RemoteTaskRecord | undefined, signal: AbortSignal): Promise<void> {
    if (known === undefined || !known.isOpen) return;
    await this.#leave(known.taskId);
    await this.#deps.remote().cancel(known.remoteTaskId, signal);
    await this.#close(known.taskId);
  }

  async #leave(taskId: string): Promise<void> {
    const following = this.#following.get(taskId);
    following?.leaving.abort();
    await following?.ended;
  }

  #follow(taskId: string, begun: Begun | undefined): void {
    const leaving = begun?.leaving ?? new AbortController();
    if (this.#stopping.signal.aborted) leaving.abort();
    const ended = this.#run(taskId, begun, leaving.signal).finally(() => {
      if (this.#following.get(taskId)?.leaving === leaving) this.#following.delete(taskId);
    });
    this.#following.set(taskId, { leaving, ended });
  }

  /** Never rejects. */
  async #run(taskId: string, begun: Begun | undefined, signal: AbortSignal): Promise<void> {
    const { clock, retry } = this.#deps;
    let firstFailureMs: number | undefined;
    let failures = 0;
    let stream = begun === undefined ? undefined : joined(begun);
    while (!signal.aborted) {
      try {
        const heard = await this.#listen(taskId, stream, signal);
        if (heard === "over") return;
        if (heard === "something") {
          failures = 0;
          firstFailureMs = undefined;
        }
      } catch (thrown) {
        if (signal.aborted) return;
        const failure = failureFromUnknown(thrown);
        firstFailureMs ??= clock.steadyMs();
        const isOver = clock.steadyMs() - firstFailureMs > retry.giveUpMs;
        if ((failure.isFinal || isOver) && (await this.#ended(taskId, failure))) return;
      }
      stream = undefined;
      failures += 1;
      await pause(waitAfter(failures, retry), signal);
    }
  }

  /** To the end of one stream. */
  async #listen(
    taskId: string,
    begun: AsyncIterable<RemoteNews> | undefined,
    signal: AbortSignal,
  ): Promise<"over" | "something" | "nothing"> {
    const local = this.#local(taskId);
    let heard: "something" | "nothing" = "nothing";
    for await (const news of begun ?? (await this.#followAgain(taskId, signal))) {
      if (signal.aborted) return "over";
      const state = await local.take(this.#fresh(taskId, news));
      this.#noteStatus(taskId, news);
      heard = "something";
      if (state === undefined || isTerminal(state)) {
        // Ended here and not there: it stays open until the agent is told.
        if (state === undefined || saysEnd(news)) await this.#close(taskId);
        return "over";
      }
      if (state === TaskState.INPUT_REQUIRED) return "over";
    }
    return heard;
  }

  /** Agents answer a turn with the task as it was before: its status must not count again. */
  #fresh(taskId: string, news: RemoteNews): RemoteNews {
    if (news.kind !== "task" || this.#heard.get(taskId) !== statusText(news.task.status)) return news;
    return { ...news, task: { ...news.task, status: undefined } };
  }

  #noteStatus(taskId: string, news: RemoteNews): void {
    if (news.kind === "status") this.#heard.set(taskId, statusText(news.status));
    else if (news.kind === "task") this.#heard.set(taskId, statusText(news.task.status));
  }

  async #followAgain(taskId: string, signal: AbortSignal): Promise<AsyncIterable<RemoteNews>> {
    const { store, remote } = this.#deps;
    const known = await store.task(taskId);
    // Never the case while its task goes on: a turn counts as delivered only when this is written down.
    if (known === undefined || !known.isOpen)
      throw new DeliveryFailure("its answer was lost", { isFinal: true });
    return remote().follow(known.remoteTaskId, signal);
  }

  /** False when that could not be written down. */
  async #ended(taskId: string, failure: DeliveryFailure): Promise<boolean> {
    try {
      await this.#fail(taskId, failure);
      return true;
    } catch (error) {
      this.#deps.logger.warn("reach.not_given_up", { task: taskId, error });
      return false;
    }
  }

  async #fail(taskId: string, { message }: DeliveryFailure): Promise<void> {
    await this.#local(taskId).fail(`${this.#deps.agentId} did not do it: ${message}`);
    await this.#close(taskId);
  }

  async #close(taskId: string): Promise<void> {
    this.#heard.delete(taskId);
    const { store, clock } = this.#deps;
    const known = await store.task(taskId);
    if (known?.isOpen === true) {
      await store.putTask({ ...known, isOpen: false, changedUnixMs: clock.nowUnixMs() });
    }
  }

  #local(taskId: string): LocalTask {
    return new LocalTask(this.#deps, this.#deps.agentId, taskId);
  }
}

function saysEnd(news: RemoteNews): boolean {
  if (news.kind === "artifact") return false;
  if (news.kind === "message") return true;
  const status = news.kind === "task" ? news.task.status : news.status;
  return status !== undefined && isTerminal(status.state);
}

function statusText(status: TaskStatus | undefined): string {
  const { state = 0, message, timestamp } = status ?? {};
  return [state, message?.messageId ?? "", timestamp?.seconds ?? "", timestamp?.nanos ?? ""].join(" ");
}

interface Begun {
  readonly first: RemoteNews;
  readonly answers: AsyncIterator<RemoteNews>;
  readonly leaving: AbortController;
}

/** The first piece and the rest behind it; who stops listening ends the stream. */
async function* joined({ first, answers }: Begun): AsyncGenerator<RemoteNews, void> {
  try {
    yield first;
    for (let next = await answers.next(); next.done !== true; next = await answers.next()) yield next.value;
  } finally {
    await answers.return?.();
  }
}
