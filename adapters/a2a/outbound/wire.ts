import type { JsonObject } from "../../../src/adapter-kit.ts";

/**
 * A2A's operations as JSON in the words of 1.0, whichever binding and version carry them. Rejections are
 * `DeliveryFailure` where it is known whether a repeat can help.
 */
export interface Wire {
  /** SendMessageRequest → SendMessageResponse */
  send(request: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** SendMessageRequest → StreamResponse … */
  sendStreaming(request: JsonObject, signal: AbortSignal): AsyncIterable<JsonObject>;
  /** → Task */
  get(taskId: string, signal: AbortSignal): Promise<JsonObject>;
  /** → Task */
  cancel(taskId: string, signal: AbortSignal): Promise<JsonObject>;
  /** → StreamResponse … */
  subscribe(taskId: string, signal: AbortSignal): AsyncIterable<JsonObject>;
}

/** What the agent itself refused, by the reasons of A2A. */
export class RemoteRefusal extends Error {
  override readonly name = "RemoteRefusal";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const TASK_NOT_FOUND = -32001;
export const TASK_NOT_CANCELABLE = -32002;
export const UNSUPPORTED_OPERATION = -32004;
const INTERNAL_ERROR = -32603;

/** An internal error may pass; anything else is meant. */
export function isPassing(code: number): boolean {
  return code === INTERNAL_ERROR;
}
