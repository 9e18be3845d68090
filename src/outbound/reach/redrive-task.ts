import type { Sent } from "../../core/messages.ts";
import { eventFromRecord, taskStream } from "../../core/tasks/task-events.ts";
import type { Tasks } from "../../core/tasks/tasks.ts";
import { NO_SIGNAL } from "../../model/no-signal.ts";
import type { LogRecord, MessageLog } from "../../ports/message-log.ts";
import type { OutcomeRecord } from "../../ports/outcome-store.ts";
import { callAs } from "../call-as.ts";

const PREFIX = taskStream("");

/**
 * A task that failed because its worker could not be reached is given anew: an end is final, so it is a task of its own
 * that refers to the first. A repeat gives the same one. Undefined when the dead message is no task, or is not kept any more.
 */
export async function redriveTask(
  { log, tasks }: { readonly log: MessageLog; readonly tasks: Pick<Tasks, "create"> },
  agentId: string,
  { messageId }: OutcomeRecord,
): Promise<Sent | undefined> {
  const place = await log.locate(messageId);
  if (place === undefined || !place.stream.startsWith(PREFIX)) return undefined;
  const { epoch, offset } = place.position;
  const dead = await firstOf(log, place.stream, { epoch, offset: offset - 1 });
  const event = dead && eventFromRecord(dead).event;
  if (event?.created === undefined || event.message === undefined) return undefined;
  const { created, message, taskId, contextId } = event;
  const call = callAs(agentId, NO_SIGNAL);
  const { task, duplicate } = await tasks.create(call, {
    to: created.worker,
    message: {
      ...message,
      ...{ taskId: "", contextId },
      referenceTaskIds: [...message.referenceTaskIds, taskId],
    },
    dedupeKey: `redrive:${messageId}`,
    acceptedOutputModes: created.acceptedOutputModes,
    ...(created.metadata === undefined ? {} : { metadata: created.metadata }),
  });
  const record = await firstOf(log, taskStream(task.id), { epoch: 0, offset: 0 });
  const first = record === undefined ? undefined : eventFromRecord(record).header.id;
  return {
    messageId: first ?? messageId,
    duplicate,
    epoch: record?.epoch ?? epoch,
    offset: record?.offset ?? 1,
  };
}

async function firstOf(
  log: MessageLog,
  stream: string,
  from: { readonly epoch: number; readonly offset: number },
): Promise<LogRecord | undefined> {
  return (await log.read(stream, { from, limit: 1 })).records[0];
}
