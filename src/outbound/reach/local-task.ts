import { create, equals } from "@bufbuild/protobuf";
import type { Tasks } from "../../core/tasks/tasks.ts";
import {
  type Artifact,
  ArtifactSchema,
  ArtifactUpdateSchema,
  type Task,
  type TaskMessage,
  TaskMessageSchema,
  TaskRole,
  TaskState,
  type TaskStatus,
  TaskStatusSchema,
} from "../../gen/meshkore/v1/tasks_pb.js";
import { MeshError } from "../../model/errors.ts";
import { NO_SIGNAL } from "../../model/no-signal.ts";
import { isTerminal, stateOf } from "../../model/task.ts";
import { callAs } from "../call-as.ts";
import type { RemoteNews, RemoteTask } from "./dialect.ts";

export interface LocalTaskDeps {
  readonly tasks: Pick<Tasks, "get" | "update" | "giveUp">;
}

/** A task of this hub, seen by the agent that stands for a foreign one: what that one says is said here. */
export class LocalTask {
  readonly #deps: LocalTaskDeps;
  readonly #agentId: string;
  readonly taskId: string;

  constructor(deps: LocalTaskDeps, agentId: string, taskId: string) {
    this.#deps = deps;
    this.#agentId = agentId;
    this.taskId = taskId;
  }

  /** Undefined when there is none (any more), or another agent works on it. */
  async now(): Promise<Task | undefined> {
    try {
      const task = await this.#deps.tasks.get(this.#call(), this.taskId);
      return task.worker === this.#agentId ? task : undefined;
    } catch (thrown) {
      if (thrown instanceof MeshError && thrown.code === "not_found") return undefined;
      throw thrown;
    }
  }

  /** Gives the state that the task is in then; undefined = there is no task. @throws MeshError too_large, unavailable */
  async take(news: RemoteNews): Promise<TaskState | undefined> {
    const task = await this.now();
    if (task === undefined || isTerminal(stateOf(task))) return task && stateOf(task);
    switch (news.kind) {
      case "task":
        await this.#sync(task, news.task);
        break;
      case "status":
        if (!saysNothingNew(task, news.status, news.metadata)) await this.#status(news.status, news.metadata);
        break;
      case "artifact":
        await this.#update({ artifact: news.update });
        break;
      case "message":
        await this.#status(create(TaskStatusSchema, { state: TaskState.COMPLETED, message: news.message }));
        break;
    }
    const after = await this.now();
    return after && stateOf(after);
  }

  /** The task fails, and stands among the dead messages of who gave it. */
  async fail(reason: string): Promise<void> {
    const task = await this.now();
    if (task === undefined || isTerminal(stateOf(task))) return;
    await this.#deps.tasks.giveUp(this.taskId, { state: "failed", note: reason });
    const message = create(TaskMessageSchema, {
      role: TaskRole.AGENT,
      parts: [{ content: { case: "text", value: reason } }],
    });
    await this.#status(create(TaskStatusSchema, { state: TaskState.FAILED, message }));
  }

  /** What of the remote task is not known here yet: it may have gone on while nobody listened. */
  async #sync(task: Task, remote: RemoteTask): Promise<void> {
    const said = new Set([...task.history, ...messageOf(task.status)].map(({ messageId }) => messageId));
    for (const message of remote.history) {
      const isNew =
        message.role === TaskRole.AGENT && message.messageId !== "" && !said.has(message.messageId);
      if (isNew && message.messageId !== remote.status?.message?.messageId) {
        await this.#status(create(TaskStatusSchema, { state: TaskState.WORKING, message }));
      }
    }
    for (const artifact of remote.artifacts) {
      const known = task.artifacts.find(({ artifactId }) => artifactId === artifact.artifactId);
      const update = known === undefined ? whole(artifact) : differenceOf(known, artifact);
      if (update !== undefined) await this.#update({ artifact: update });
    }
    const { status } = remote;
    // The caller spoke after it: the agent has not come round to that yet.
    const { messageId = "" } = status?.message ?? {};
    if (messageId !== "" && task.history.some((message) => message.messageId === messageId)) return;
    if (status !== undefined && !saysNothingNew(task, status, undefined)) await this.#status(status);
  }

  async #status(status: TaskStatus, metadata?: RemoteMetadata): Promise<void> {
    const { state, message } = status;
    const own = create(TaskStatusSchema, {
      // Taken there is not working on it, but it is all that a state "submitted" of a worker can mean here.
      state: state === TaskState.UNSPECIFIED ? TaskState.WORKING : state,
      ...(message === undefined ? {} : { message: placed(message) }),
    });
    await this.#update({ status: own, ...(metadata === undefined ? {} : { metadata }) });
  }

  /** A task that ended meanwhile changes no more: whoever listens is told by its state. */
  async #update(update: Parameters<Tasks["update"]>[2]): Promise<void> {
    try {
      await this.#deps.tasks.update(this.#call(), this.taskId, update);
    } catch (thrown) {
      if (!(thrown instanceof MeshError) || thrown.code !== "failed_precondition") throw thrown;
    }
  }

  #call() {
    return callAs(this.#agentId, NO_SIGNAL);
  }
}

type RemoteMetadata = Extract<RemoteNews, { kind: "status" }>["metadata"];

/** The names that task and context have there mean nothing here. */
function placed(message: TaskMessage): TaskMessage {
  return { ...message, taskId: "", contextId: "" };
}

function messageOf(status: TaskStatus | undefined): readonly TaskMessage[] {
  return status?.message === undefined ? [] : [status.message];
}

function saysNothingNew(task: Task, { state, message }: TaskStatus, metadata: RemoteMetadata): boolean {
  if (metadata !== undefined && Object.keys(metadata).length > 0) return false;
  if (state !== stateOf(task) && state !== TaskState.UNSPECIFIED) return false;
  return message === undefined || message.messageId === task.status?.message?.messageId;
}

function whole(artifact: Artifact) {
  return create(ArtifactUpdateSchema, { artifact, append: false, lastChunk: true });
}

/** Undefined = it is the same; only what was added, where that is all. */
function differenceOf(known: Artifact, artifact: Artifact) {
  if (equals(ArtifactSchema, known, artifact)) return undefined;
  const beginning = { ...artifact, parts: artifact.parts.slice(0, known.parts.length) };
  if (artifact.parts.length <= known.parts.length || !equals(ArtifactSchema, known, beginning))
    return whole(artifact);
  const added = { ...artifact, parts: artifact.parts.slice(known.parts.length) };
  return create(ArtifactUpdateSchema, { artifact: added, append: true, lastChunk: true });
}
