import type { Call } from "../model/principal.ts";
import type { NewPush, PushConfig, PushPage, PushRenderer, RenderedPush } from "../outbound/push/push.ts";

export type { NewPush, PushConfig, PushPage, PushRenderer, RenderedPush };

/**
 * Push notifications: a task's events, in order, to a URL, each tried until it is taken or given up. They go on over
 * restarts of the hub and end with the task, when they are removed, or when they are given up; then whoever asked for
 * them finds them among its dead messages, to be redriven. Who may not see the task is told not_found, its worker
 * permission_denied: a config holds secrets of who gave the task.
 */
export interface PushApi {
  /** For adapters, when they are mounted: in whose words the events of pushes of this dialect are sent. */
  addRenderer(dialect: string, render: PushRenderer): void;
  /**
   * What can be told of it before there is a task. Looks names up: to be called for those alone who may give the task.
   * @throws MeshError invalid_argument, permission_denied, as `set`
   */
  check(push: Omit<NewPush, "taskId">): Promise<void>;
  /**
   * @throws MeshError not_found, invalid_argument for what no call can be made of (a name without an address too),
   *   permission_denied for an address that the hub does not call, failed_precondition when the task has too many or has
   *   ended
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
