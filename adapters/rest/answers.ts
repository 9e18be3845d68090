import { type AnswerObject, acceptedMembers, type HttpResponse, type Sent } from "../../src/adapter-kit.ts";

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

export function acceptedAnswer(sent: Sent): HttpResponse {
  return rawAnswer(202, `{${acceptedMembers(sent)}}`);
}
