import type { JsonValue } from "../../model/json.ts";
import { cursorFromPosition } from "../../model/position.ts";
import type { Sent } from "../relay-api.ts";

/** What an answer is made of: members that are undefined are left out. */
export interface AnswerObject {
  readonly [name: string]: AnswerValue;
}
export type AnswerValue = JsonValue | AnswerObject | readonly AnswerValue[] | undefined;

/** How a time stands in every answer: ISO 8601 in UTC with milliseconds. */
export function timeText(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/** The members of an accepted message, without the braces around them. */
export function acceptedMembers(sent: Sent): string {
  const id = JSON.stringify(sent.messageId);
  const duplicate = sent.duplicate ? ',"duplicate":true' : "";
  return `"message_id":${id},"status":"accepted","position":"${cursorFromPosition(sent)}"${duplicate}`;
}
