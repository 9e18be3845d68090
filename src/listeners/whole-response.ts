import type { HttpResponse, WholeResponse } from "../ports/listener.ts";

export function isWhole(response: HttpResponse): response is WholeResponse {
  return typeof response.body === "string" || response.body instanceof Uint8Array;
}

/** A response to HEAD, or one without a body, whose body would have come in parts. */
export function withoutBody(response: HttpResponse): WholeResponse {
  return { ...response, body: "" };
}

/** Whether a response to this method with this status is its head alone. */
export function isHeadOnly(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 304;
}
