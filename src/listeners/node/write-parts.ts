import type { ServerResponse } from "node:http";
import { cutWhenStalled, goOnUnhurried } from "./write-response.ts";

/**
 * Writes the parts of a body as they come to be: the next one is asked for when the client took enough of those
 * before. The head must have been written. Settles when the response is over, whichever way.
 * @throws what the body throws; the connection is to be cut then
 */
export async function writeParts(native: ServerResponse, parts: AsyncIterator<Uint8Array>): Promise<void> {
  for (;;) {
    const { done, value } = await parts.next();
    if (native.destroyed) return;
    if (done === true) {
      native.end();
      cutWhenStalled(native);
      return;
    }
    // An empty chunk would end a chunked body.
    if (value.byteLength > 0 && !native.write(value)) await untilWritable(native);
  }
}

function untilWritable(native: ServerResponse): Promise<void> {
  cutWhenStalled(native);
  return new Promise((resolve) => {
    const goOn = (): void => {
      native.off("drain", goOn).off("close", goOn);
      goOnUnhurried(native);
      resolve();
    };
    native.on("drain", goOn).on("close", goOn);
  });
}
