import type { Task, TaskEvent } from "../../gen/meshkore/v1/tasks_pb.js";

/** Where the events of a task are to be sent. */
export interface PushConfig {
  readonly taskId: string;
  /** Unique within the task. */
  readonly configId: string;
  readonly url: string;
  /** Sent with every call, so that the receiver knows its own; empty = none. */
  readonly token: string;
  /** Of the Authorization header; both empty = none. */
  readonly scheme: string;
  readonly credentials: string;
}

export interface NewPush {
  readonly taskId: string;
  /** Absent = the hub gives one. One that the task has already is replaced. */
  readonly configId?: string;
  /** Whose words the calls are made of: the name that a renderer was added by. */
  readonly dialect: string;
  readonly url: string;
  readonly token?: string;
  readonly scheme?: string;
  readonly credentials?: string;
  /** Events after this sequence are sent; absent = those from now on. */
  readonly after?: number;
}

export interface PushPage {
  readonly pushes: readonly PushConfig[];
  /** Undefined = that was all. */
  readonly cursor: string | undefined;
}

export interface RenderedPush {
  /** Of each call: the content type at least. Authorization is the hub's. */
  readonly headers: Readonly<Record<string, string>>;
  /** Each is a call of its own, in this order; none = the dialect has no words for the event. */
  readonly bodies: readonly (string | Uint8Array)[];
  /** Headers that prove to the receiver who calls: made anew for each attempt, in the place of those of the config. */
  readonly proof?: (body: string | Uint8Array) => Promise<Readonly<Record<string, string>>>;
}

/**
 * An event in a dialect's own words; `task` gives the task as it is now. May be called again for the same event, and
 * gives as many bodies then.
 */
export type PushRenderer = (
  event: TaskEvent,
  push: PushConfig,
  task: () => Promise<Task>,
) => RenderedPush | Promise<RenderedPush>;
