import type { JsonObject, PushApi, PushRenderer } from "../../src/adapter-kit.ts";
import { StreamResponseSchema } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { jsonFromMessage } from "./json.ts";
import { responsesFromEvent } from "./task-stream.ts";
import { oldFromAnswer } from "./v03/methods.ts";
import type { ProtocolVersion } from "./versions.ts";

/** By which name a push keeps in whose words its receiver is told. */
export const PUSH_DIALECTS: Readonly<Record<ProtocolVersion, string>> = { "1.0": "a2a", "0.3": "a2a-0.3" };

/** Gives the hub the words for what happens to a task, as receivers of both versions expect them. */
export function addPushRenderers(pushes: Pick<PushApi, "addRenderer">): void {
  pushes.addRenderer(
    PUSH_DIALECTS["1.0"],
    rendererOf("application/a2a+json", (response) => response),
  );
  pushes.addRenderer(PUSH_DIALECTS["0.3"], rendererOf("application/json", oldFromAnswer));
}

/** A piece of a result and a status are two notifications; what the caller says itself is none. */
function rendererOf(contentType: string, wordsOf: (response: JsonObject) => JsonObject): PushRenderer {
  return (event, { token }) => ({
    headers: {
      "content-type": contentType,
      // Clients know by it that the notification is meant for them.
      ...(token !== "" && { "x-a2a-notification-token": token }),
    },
    bodies: responsesFromEvent(event).map((response) =>
      JSON.stringify(wordsOf(jsonFromMessage(StreamResponseSchema, response))),
    ),
  });
}
