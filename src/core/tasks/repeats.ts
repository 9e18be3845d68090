import { isDeepStrictEqual } from "node:util";
import { toJson } from "@bufbuild/protobuf";
import { type TaskMessage, TaskMessageSchema, TaskRole } from "../../gen/meshkore/v1/tasks_pb.js";
import { MeshError } from "../../model/errors.ts";

/**
 * A repeat says what was said the first time: another message by the same key would be lost without a word.
 * @param first undefined = it is not known any more, so that anything counts as its repeat
 * @throws MeshError already_exists
 */
export function checkRepeat(first: TaskMessage | undefined, given: TaskMessage): void {
  if (first === undefined || isRepeatOf(first, given)) return;
  throw new MeshError("already_exists", "that message id or dedupe key was given to another message", {
    hint: "give each message an id of its own; what is sent again has to be the same message",
  });
}

function isRepeatOf(first: TaskMessage, given: TaskMessage): boolean {
  const isElsewhere = given.contextId !== "" && given.contextId !== first.contextId;
  return !isElsewhere && isDeepStrictEqual(contentOf(first), contentOf(given));
}

/** Without what the hub puts in where nothing is said. */
function contentOf(message: TaskMessage) {
  const nowhere = { messageId: "", taskId: "", contextId: "", role: TaskRole.UNSPECIFIED };
  return toJson(TaskMessageSchema, { ...message, ...nowhere });
}
