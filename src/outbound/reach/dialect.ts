import type { JsonObject as Metadata } from "@bufbuild/protobuf";
import type { ArtifactUpdate, Task, TaskMessage, TaskStatus } from "../../gen/meshkore/v1/tasks_pb.js";
import type { JsonObject } from "../../model/json.ts";
import type { ReachHttp } from "./reach-http.ts";

/** What the foreign agent calls it. */
export interface RemotePlace {
  readonly taskId: string;
  readonly contextId: string;
}

/** What a foreign agent says, in the hub's own words. Roles, times and ids of messages are as it gave them. */
export type RemoteNews =
  | { readonly kind: "task"; readonly place: RemotePlace; readonly task: RemoteTask }
  | {
      readonly kind: "status";
      readonly place: RemotePlace;
      readonly status: TaskStatus;
      readonly metadata?: Metadata | undefined;
    }
  | { readonly kind: "artifact"; readonly place: RemotePlace; readonly update: ArtifactUpdate }
  /** It answered at once, without a task. */
  | { readonly kind: "message"; readonly message: TaskMessage };

/** The task as it stands there. */
export type RemoteTask = Pick<Task, "status" | "artifacts" | "history">;

export interface RemoteTurn {
  /** Task and context are named as they are there; empty = none yet. */
  readonly message: TaskMessage;
  readonly acceptedOutputModes: readonly string[];
  readonly metadata: Metadata | undefined;
}

/**
 * A foreign agent, ready to be called. What its calls reject with is a failure of the attempt: `DeliveryFailure` where
 * it is known whether a repeat can help.
 */
export interface RemoteAgent {
  /**
   * What it says to the turn: when the first piece is there, the agent has taken it. Ends when the task ends or waits
   * for the caller, or when the stream breaks off. Who stops listening has to return it: it may hold a connection.
   */
  send(turn: RemoteTurn, signal: AbortSignal): AsyncIterable<RemoteNews>;
  /** What happens to a task from now on; the task as it is comes first. Ends as `send` does. */
  follow(taskId: string, signal: AbortSignal): AsyncIterable<RemoteNews>;
  /** Of a task that has ended there, or that nobody there knows, it is no failure. */
  cancel(taskId: string, signal: AbortSignal): Promise<void>;
}

/** What a look at the foreign agent found. */
export interface Reached {
  readonly agent: RemoteAgent;
  /** Kept, and given to the next look. */
  readonly facts: JsonObject;
  readonly name: string;
  readonly description: string;
  /** What others find it by. */
  readonly skills: readonly string[];
  /** Shown in the agent's profile. */
  readonly shown: JsonObject;
  /** How long what was found may be used before the next look. */
  readonly freshMs: number;
  /** It proved itself by another key than before: what was known before counts until its owner names the new one. */
  readonly changedKey?: { readonly known: string; readonly offered: string } | undefined;
}

export interface LookDeps {
  readonly http: ReachHttp;
  readonly nowUnixMs: () => number;
  readonly signal: AbortSignal;
}

/** How agents are reached in a foreign protocol. */
export interface ReachDialect {
  /** Equal to the adapter's name, and to the member of `reach` that it reads. */
  readonly name: string;
  /** Looks it up anew. @throws MeshError, DeliveryFailure when there is nothing that could be called */
  look(address: JsonObject, facts: JsonObject | undefined, deps: LookDeps): Promise<Reached>;
  /** Of what an earlier look found; undefined when that is of no use. */
  recall(facts: JsonObject, deps: Pick<LookDeps, "http">): RemoteAgent | undefined;
}
