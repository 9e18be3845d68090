import type { Counts } from "../../model/counts.ts";
import { changeOfTask } from "../../model/task.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CredentialWatch } from "../../ports/credential-watch.ts";
import type { Directory } from "../../ports/directory.ts";
import type { Logger } from "../../ports/logger.ts";
import type { MessageLog } from "../../ports/message-log.ts";
import type { OutcomeStore } from "../../ports/outcome-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { Admission } from "../admission.ts";
import type { CoreBounds } from "../bounds.ts";
import type { Delivery } from "../delivery.ts";
import type { Receipts } from "../receipts.ts";
import type { Routes } from "../routes.ts";
import { createDeadTasks } from "./dead-tasks.ts";
import { LiveTasks } from "./live-tasks.ts";
import { TaskCreation } from "./task-creation.ts";
import { TaskFanout } from "./task-fanout.ts";
import { TaskReceipts } from "./task-receipts.ts";
import { TaskUpkeep } from "./task-upkeep.ts";
import { TaskWatches } from "./task-watch.ts";
import { TaskWriter } from "./task-writer.ts";
import { Tasks } from "./tasks.ts";

export interface TaskLayerDeps {
  readonly log: MessageLog;
  readonly store: TaskStore;
  readonly outcomes: OutcomeStore;
  readonly receipts: Receipts;
  readonly counts: Pick<Counts, "deliveries" | "tasks">;
  readonly directory: Directory;
  readonly routes: Routes;
  readonly admission: Admission;
  readonly delivery: Delivery;
  readonly credentialWatch: CredentialWatch;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ids: () => string;
  readonly bounds: CoreBounds;
  /** Counts what was accepted. */
  readonly accepted: (from: string, to: string, bytes: number) => void;
}

/** Tasks and what runs beside them. */
export interface TaskLayer {
  readonly tasks: Tasks;
  readonly upkeep: TaskUpkeep;
  start(): void;
  /** Ends what follows tasks. */
  drain(): void;
  forgetCopies(): void;
  stop(): Promise<void>;
}

/** Wires tasks from their ports. */
export function createTaskLayer(deps: TaskLayerDeps): TaskLayer {
  const { log, store, directory, clock, logger, bounds, ids, accepted, outcomes, counts } = deps;
  const live = new LiveTasks(log, store);
  const fanout = new TaskFanout({
    ...{ log, logger, clock, delivery: deps.delivery },
    isLiving: async (agentId) => (await directory.lookup(agentId)) !== undefined,
    settled: ({ record, task }) => store.change(record.taskId, changeOfTask(task, true)),
  });
  const { maxPayloadBytes } = bounds;
  const writer = new TaskWriter({
    ...{ log, store, live, fanout, clock, ids, maxPayloadBytes, accepted },
    counts: counts.tasks,
  });
  const creation = new TaskCreation({ ...deps, live, writer });
  const watches = new TaskWatches({
    ...{ log, logger, credentialWatch: deps.credentialWatch },
    counts: counts.tasks,
  });
  const receipts = new TaskReceipts({ log, clock, outcomes, live, fanout, receipts: deps.receipts });
  const dead = createDeadTasks({ outcomes, clock, live, counts: counts.deliveries });
  const keptMs = Math.max(bounds.historyMs, bounds.unreadMs);
  const upkeep = new TaskUpkeep({ log, store, live, writer, fanout, dead, directory, clock, logger, keptMs });
  return {
    upkeep,
    tasks: new Tasks({
      ...{ store, live, writer, creation, watches, receipts, dead, clock },
      admission: deps.admission,
    }),
    start: () => upkeep.start(),
    drain: () => watches.closeAll("draining"),
    forgetCopies: () => live.clear(),
    async stop() {
      watches.closeAll("draining");
      await upkeep.stop();
      await fanout.stop();
    },
  };
}
