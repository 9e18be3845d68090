import type { OutboundCounts } from "../model/counts.ts";
import { MeshError } from "../model/errors.ts";
import type { OutboundHead, OutboundHttp } from "../ports/outbound-http.ts";

/**
 * Counts calls by how they ended: the class of the answer's status, or the error's code. A stream counts with its head;
 * a call that the hub itself left off counts as nothing.
 */
export function countedHttp(http: OutboundHttp, { calls }: OutboundCounts): OutboundHttp {
  async function counted<Head extends OutboundHead>(
    signal: AbortSignal | undefined,
    call: Promise<Head>,
  ): Promise<Head> {
    try {
      const answer = await call;
      add(`${Math.floor(answer.status / 100)}xx`);
      return answer;
    } catch (thrown) {
      if (signal?.aborted !== true) add(thrown instanceof MeshError ? thrown.code : "internal");
      throw thrown;
    }
  }
  function add(code: string): void {
    calls.set(code, (calls.get(code) ?? 0) + 1);
  }
  return {
    request: (request) => counted(request.signal, http.request(request)),
    stream: (request) => counted(request.signal, http.stream(request)),
    check: (url) => http.check(url),
  };
}
