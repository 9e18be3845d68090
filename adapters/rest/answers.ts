import { cursorFromPosition, type HttpResponse, type JsonValue, type Sent } from "../../src/adapter-kit.ts";

/** What an answer is made of: members that are undefined are left out. */
export interface AnswerObject {
  readonly [name: string]: AnswerValue;
}
export type AnswerValue = JsonValue | AnswerObject | readonly AnswerValue[] | undefined;

// Answers hold keys, tokens and mail: no cache may keep one.
const JSON_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  "content-type": "application/json",
  "cache-control": "no-store",
});
const NO_STORE: Readonly<Record<string, string>> = Object.freeze({ "cache-control": "no-store" });

export function jsonAnswer(status: number, value: AnswerObject): HttpResponse {
  return rawAnswer(status, JSON.stringify(value));
}

/** `text` is JSON already: messages are concatenated, never parsed again. */
export function rawAnswer(status: number, text: string): HttpResponse {
  return { status, headers: JSON_HEADERS, body: text };
}

export function noContent(): HttpResponse {
  return { status: 204, headers: NO_STORE, body: "" };
}

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

export function acceptedAnswer(sent: Sent): HttpResponse {
  return rawAnswer(202, `{${acceptedMembers(sent)}}`);
}
