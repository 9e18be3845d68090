import type { JsonObject, PushApi, PushRenderer, Task, TaskEvent } from "../../src/adapter-kit.ts";
import { StreamResponseSchema, TaskSchema } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import type { HubSigner } from "./hub-signer.ts";
import { jsonFromMessage } from "./json.ts";
import { a2aTaskFromTask } from "./messages.ts";
import { responsesFromEvent } from "./task-stream.ts";
import { oldFromAnswer } from "./v03/methods.ts";
import { oldFromTask } from "./v03/words.ts";
import type { ProtocolVersion } from "./versions.ts";

/** By which name a push keeps in whose words its receiver is told. */
export const PUSH_DIALECTS: Readonly<Record<ProtocolVersion, string>> = { "1.0": "a2a", "0.3": "a2a-0.3" };

/** Of the task as 0.3 gets it; a larger one is told by what changed. */
const MAX_TASK_CHARS = 1_048_576;

/** Gives the hub the words for what happens to a task, as receivers of both versions expect them. */
export function addPushRenderers(
  pushes: Pick<PushApi, "addRenderer">,
  signer: Pick<HubSigner, "proof">,
): void {
  pushes.addRenderer(PUSH_DIALECTS["1.0"], rendererOf("application/a2a+json", signer, updatesOf));
  pushes.addRenderer(PUSH_DIALECTS["0.3"], rendererOf("application/json", signer, taskInOldWords));
}

function rendererOf(
  contentType: string,
  signer: Pick<HubSigner, "proof">,
  wordsOf: (event: TaskEvent, task: () => Promise<Task>) => Promise<readonly JsonObject[]>,
): PushRenderer {
  return async (event, { token, taskId, url, scheme, credentials }, task) => {
    const words = await wordsOf(event, task);
    // Who names the scheme and no secret of its own is shown who calls.
    const isProven = scheme.toLowerCase() === "bearer" && credentials === "";
    return {
      headers: {
        "content-type": contentType,
        // Clients know by it that the notification is meant for them.
        ...(token !== "" && { "x-a2a-notification-token": token }),
      },
      bodies: words.map((one) => JSON.stringify(one)),
      ...(isProven && {
        proof: async (body) => ({ authorization: `Bearer ${await signer.proof({ taskId, url, body })}` }),
      }),
    };
  };
}

/** A piece of a result and a status are two notifications; what the caller says itself is none. */
async function updatesOf(event: TaskEvent): Promise<readonly JsonObject[]> {
  return responsesFromEvent(event).map((response) => jsonFromMessage(StreamResponseSchema, response));
}

/** Receivers of 0.3 expect the task, as it is by then. */
async function taskInOldWords(event: TaskEvent, task: () => Promise<Task>): Promise<readonly JsonObject[]> {
  const updates = await updatesOf(event);
  if (updates.length === 0) return [];
  const whole = oldFromTask(jsonFromMessage(TaskSchema, a2aTaskFromTask(await task())));
  return JSON.stringify(whole).length <= MAX_TASK_CHARS ? [whole] : updates.map(oldFromAnswer);
}
