import type { JsonObject } from "@bufbuild/protobuf";
import type { TaskApi, TaskReceipt } from "../../src/adapter-kit.ts";
import type { Task } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import type { Asked } from "./asked.ts";
import { RECEIPTS } from "./extensions.ts";

/** What the metadata of tasks and status updates say of a receipt. */
export function receiptMetadata(receipt: TaskReceipt | undefined): JsonObject {
  return receipt === undefined ? {} : { [`${RECEIPTS}/receipt`]: jsonFromReceipt(receipt) };
}

/** The receipt of the caller's latest message in the task, when the caller asks for receipts and there is one. */
export async function receiptFor(
  tasks: Pick<TaskApi, "receipt">,
  { call, extensions }: Asked,
  taskId: string,
): Promise<TaskReceipt | undefined> {
  return extensions.has(RECEIPTS) ? tasks.receipt(call, taskId) : undefined;
}

/** The task with that receipt. */
export async function receiptedTask(
  tasks: Pick<TaskApi, "receipt">,
  asked: Asked,
  task: Task,
): Promise<Task> {
  const receipt = await receiptFor(tasks, asked, task.id);
  if (receipt === undefined) return task;
  return { ...task, metadata: { ...task.metadata, ...receiptMetadata(receipt) } };
}

/** Equal for receipts that say the same. */
export function receiptKey({ messageId, state }: TaskReceipt): string {
  return `${state} ${messageId}`;
}

function jsonFromReceipt({
  messageId,
  state,
  atUnixMs,
  sequence,
  inboxOffset,
  note,
}: TaskReceipt): JsonObject {
  return {
    ...{ messageId, sequence },
    state: state === "read" ? "acknowledged" : state,
    timestamp: new Date(atUnixMs).toISOString(),
    ...(inboxOffset !== undefined && { inboxSequence: inboxOffset }),
    ...(note !== "" && { reason: note }),
  };
}
