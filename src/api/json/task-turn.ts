import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  ArtifactUpdateSchema,
  type Task,
  type TaskMessage,
  TaskState,
  TaskStatusSchema,
} from "../../gen/meshkore/v1/tasks_pb.js";
import { MeshError } from "../../model/errors.ts";
import type { Principal } from "../../model/principal.ts";
import { TASK_STATES, type TaskStateName } from "../../model/task.ts";
import type { TaskUpdate } from "../task-api.ts";
import { messageFromSaid, partsFromSaid, type Said } from "./task-input.ts";

/** What `POST /tasks/:id/messages` says. */
export interface TurnBody extends Said {
  readonly status?: TaskStateName;
  readonly dedupe_key?: string;
  readonly artifact?: {
    readonly artifact_id?: string;
    readonly name?: string;
    readonly description?: string;
    readonly append?: boolean;
    readonly last_chunk?: boolean;
  };
}

export type Turn =
  | { readonly message: TaskMessage; readonly update?: undefined }
  | { readonly message?: undefined; readonly update: TaskUpdate };

/**
 * One call for both sides: who gave the task takes a turn, its worker updates it. Who gave itself a task is its worker
 * when it gives a status or an artifact.
 * @throws MeshError invalid_argument
 */
export function turnFromBody(body: TurnBody, principal: Principal, { worker, caller }: Task): Turn {
  const name = principal.kind === "agent" ? principal.agentId : undefined;
  const worksNow = body.status !== undefined || body.artifact !== undefined;
  if (name === worker && (name !== caller || worksNow)) return { update: updateFromBody(body) };
  if (!worksNow) return { message: messageFromSaid({ ...body, ...keyAsId(body) }) };
  throw new MeshError("invalid_argument", "status and artifact are for the worker of a task", {
    hint: "leave them out; to end the task, POST /tasks/:id/cancel",
  });
}

function keyAsId({ message_id, dedupe_key }: TurnBody): { message_id?: string } {
  const id = message_id ?? dedupe_key;
  return id === undefined ? {} : { message_id: id };
}

function updateFromBody(body: TurnBody): TaskUpdate {
  const { status = body.artifact === undefined ? "working" : undefined, dedupe_key = body.message_id } = body;
  const key = dedupe_key === undefined ? {} : { dedupeKey: dedupe_key };
  const parts = partsFromSaid(body);
  const state = status === undefined ? undefined : (TASK_STATES.indexOf(status) as TaskState);
  if (body.artifact !== undefined || (state === TaskState.COMPLETED && parts.length > 0)) {
    return { artifact: artifactFromBody(body), ...(state !== undefined && { status: bare(state) }), ...key };
  }
  if (parts.length === 0) return { status: bare(state ?? TaskState.WORKING), ...key };
  const message = messageFromSaid(body);
  return { status: create(TaskStatusSchema, { state: state ?? TaskState.WORKING, message }), ...key };
}

function bare(state: TaskState) {
  return create(TaskStatusSchema, { state });
}

function artifactFromBody(body: TurnBody) {
  const { artifact_id, name = "", description = "", append = false, last_chunk } = body.artifact ?? {};
  return create(ArtifactUpdateSchema, {
    append,
    lastChunk: last_chunk ?? body.artifact === undefined,
    artifact: {
      artifactId: artifact_id ?? randomUUID(),
      ...{ name, description },
      parts: partsFromSaid(body),
      extensions: [...(body.extensions ?? [])],
      ...(body.metadata !== undefined && { metadata: body.metadata }),
    },
  });
}
