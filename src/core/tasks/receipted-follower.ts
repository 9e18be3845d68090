import type { TaskStatus } from "../../gen/meshkore/v1/tasks_pb.js";
import type { TaskRecord } from "../../ports/task-store.ts";
import type { LiveTasks } from "./live-tasks.ts";
import type { TaskReceipt, TaskReceipts } from "./task-receipts.ts";
import type { TaskFollower, TaskNews } from "./task-watch.ts";

/** What a follower gets that wants receipts: news as ever, or nothing but the receipt. */
export type ReceiptedNews = (
  | TaskNews
  | { readonly task?: undefined; readonly event?: undefined; readonly sequence?: undefined }
) & {
  /** As it is when the news are handed out; undefined when there is none. */
  readonly receipt: TaskReceipt | undefined;
  /** The task's status as it is now; undefined = more news are on their way, and bring the receipt as well. */
  readonly status: TaskStatus | undefined;
};

const MOVED = Symbol("moved");

export interface ReceiptedFollowing {
  readonly record: TaskRecord;
  /** Sequence of the last event that the follower has; undefined = the task itself comes first. */
  readonly after: number | undefined;
  readonly receipts: TaskReceipts;
  readonly live: LiveTasks;
}

/** A follower of a task that also hears what becomes of what was said in it. What comes late is left out: the latest is told. */
export class ReceiptedFollower implements AsyncIterableIterator<ReceiptedNews, undefined> {
  readonly #follower: TaskFollower;
  readonly #following: ReceiptedFollowing;
  readonly #unwatch: () => void;
  #next: Promise<IteratorResult<TaskNews, undefined>> | undefined;
  #told: TaskReceipt | undefined;
  #sequence: number;
  #moved: Promise<typeof MOVED>;
  #wake: () => void = () => undefined;

  constructor(follower: TaskFollower, following: ReceiptedFollowing) {
    const { after, record, receipts } = following;
    this.#follower = follower;
    this.#following = following;
    this.#sequence = after ?? 0;
    this.#moved = this.#untilMoved();
    // The task brings the receipt; where it does not come, the receipt is told as soon as all else is.
    if (after !== undefined) this.#wake();
    this.#unwatch = receipts.watch(
      record,
      () => this.#told,
      () => this.#wake(),
    );
  }

  async next(): Promise<IteratorResult<ReceiptedNews, undefined>> {
    for (;;) {
      this.#next ??= this.#follower.next();
      const news = await Promise.race([this.#next, this.#moved]);
      if (news === MOVED) {
        const value = await this.#receiptAlone();
        if (value !== undefined) return { done: false, value };
        continue;
      }
      this.#next = undefined;
      if (news.done === true) {
        this.#unwatch();
        return news;
      }
      this.#sequence = news.value.sequence;
      return { done: false, value: { ...news.value, ...(await this.#look()) } };
    }
  }

  async return(): Promise<IteratorResult<ReceiptedNews, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  close(): void {
    this.#unwatch();
    this.#follower.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Undefined when it says nothing new, or news on their way will bring it. */
  async #receiptAlone(): Promise<ReceiptedNews | undefined> {
    const before = this.#told;
    const looked = await this.#look();
    const { receipt, status } = looked;
    const isSame = receipt?.messageId === before?.messageId && receipt?.state === before?.state;
    return isSame || status === undefined ? undefined : looked;
  }

  /** What moves from here on is noticed. */
  async #look(): Promise<Pick<ReceiptedNews, "receipt" | "status">> {
    const { receipts, live, record } = this.#following;
    this.#moved = this.#untilMoved();
    this.#told = await receipts.of(record.taskId);
    const task = (await live.find(record.taskId))?.task;
    const isUpToDate = task?.sequence === BigInt(this.#sequence);
    return { receipt: this.#told, status: isUpToDate ? task.status : undefined };
  }

  #untilMoved(): Promise<typeof MOVED> {
    return new Promise((resolve) => {
      this.#wake = () => resolve(MOVED);
    });
  }
}
