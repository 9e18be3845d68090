import { create } from "@bufbuild/protobuf";
import {
  type Artifact,
  type ArtifactUpdate,
  type Task,
  type TaskEvent,
  type TaskMessage,
  TaskSchema,
} from "../../gen/meshkore/v1/tasks_pb.js";
import { isTerminal, stateOf } from "../../model/task.ts";
import type { StoredTaskEvent } from "./task-events.ts";

/** Who has to do with a task, and since when: what the index knows beside the events. */
export interface TaskFacts {
  readonly taskId: string;
  readonly contextId: string;
  readonly caller: string;
  readonly worker: string;
  readonly createdUnixMs: number;
}

/** A task before its first event. */
export function emptyTask(facts: TaskFacts): Task {
  return create(TaskSchema, {
    id: facts.taskId,
    contextId: facts.contextId,
    caller: facts.caller,
    worker: facts.worker,
    createdUnixMs: BigInt(facts.createdUnixMs),
  });
}

/**
 * Brings a task on by one event. What comes after the end changes nothing: two nodes may both find a task open and
 * write its end; the one that the log has first counts, for everybody alike.
 */
export function applyEvent(task: Task, { event, sequence }: StoredTaskEvent): void {
  task.sequence = BigInt(sequence);
  if (isTerminal(stateOf(task))) return;
  if (event.created?.metadata !== undefined) task.metadata = event.created.metadata;
  if (event.message !== undefined) addToHistory(task, event.message);
  if (event.artifact !== undefined) applyArtifact(task, event.artifact);
  if (event.status !== undefined) applyStatus(task, event);
}

/** The turn follows what the worker said last. */
function addToHistory(task: Task, message: TaskMessage): void {
  retireStatusMessage(task);
  task.history.push(message);
}

function applyStatus(task: Task, { status }: TaskEvent): void {
  retireStatusMessage(task);
  // A copy: its message leaves it later, while the event stays what it is.
  task.status = status === undefined ? undefined : { ...status };
}

/** What the status says now is history when something follows it. */
function retireStatusMessage({ status, history }: Task): void {
  if (status?.message === undefined) return;
  history.push(status.message);
  status.message = undefined;
}

/** A piece goes behind the parts that are there; a whole artifact takes the place of the one of the same id. */
function applyArtifact(task: Task, { artifact, append }: ArtifactUpdate): void {
  if (artifact === undefined) return;
  const at = task.artifacts.findIndex(({ artifactId }) => artifactId === artifact.artifactId);
  const known = task.artifacts[at];
  if (known === undefined) task.artifacts.push(copyOf(artifact));
  else if (append) extend(known, artifact);
  else task.artifacts[at] = copyOf(artifact);
}

/** Parts are added, and what is said of the artifact as a whole is the latest. */
function extend(known: Artifact, piece: Artifact): void {
  known.parts.push(...piece.parts);
  if (piece.name !== "") known.name = piece.name;
  if (piece.description !== "") known.description = piece.description;
  if (piece.metadata !== undefined) known.metadata = { ...known.metadata, ...piece.metadata };
  for (const uri of piece.extensions) if (!known.extensions.includes(uri)) known.extensions.push(uri);
}

/** Of what grows: the event itself is handed to others and stays as it is. */
function copyOf(artifact: Artifact): Artifact {
  return { ...artifact, parts: [...artifact.parts], extensions: [...artifact.extensions] };
}

/**
 * The task as it is now, for a caller: it shares messages and parts with what the hub keeps, which nobody changes, but
 * no list that grows.
 */
export function viewOfTask(task: Task, historyLength?: number): Task {
  const { history, artifacts } = task;
  return {
    ...task,
    history:
      historyLength === undefined ? [...history] : history.slice(Math.max(0, history.length - historyLength)),
    artifacts: artifacts.map(copyOf),
    status: task.status === undefined ? undefined : { ...task.status },
  };
}
