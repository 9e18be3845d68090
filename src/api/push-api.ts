import type { Call } from "../model/principal.ts";

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
  /** Whose words the calls are made of: the name of the adapter that brought a `renderPush`. */
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

/**
 * Push notifications: a task's events, in order, to a URL, each tried until it is taken or given up. They go on over
 * restarts of the hub and end with the task, when they are removed, or when they are given up; then whoever asked for
 * them finds them among its dead messages. Who may not see the task is told not_found.
 */
export interface PushApi {
  /**
   * @throws MeshError not_found, invalid_argument for what no call can be made of, permission_denied for an address
   *   that the hub does not call, failed_precondition when the task has too many or has ended
   */
  set(call: Call, push: NewPush): Promise<PushConfig>;
  /** @throws MeshError not_found */
  get(call: Call, taskId: string, configId: string): Promise<PushConfig>;
  /** In order of id. @throws MeshError not_found */
  list(
    call: Call,
    taskId: string,
    page?: { readonly limit?: number; readonly cursor?: string },
  ): Promise<PushPage>;
  /** @throws MeshError not_found when the caller may not see the task; a config that is not there is no error */
  remove(call: Call, taskId: string, configId: string): Promise<void>;
}
