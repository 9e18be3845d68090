import type { Socket } from "node:net";
import { parseProxyHeader } from "./proxy-header.ts";

/**
 * Takes the PROXY header off the start of a fresh connection and leaves the rest in it, paused and unread. Gives the
 * address that the header tells, undefined when it tells none.
 * @throws Error when the connection begins otherwise, ends before, or takes longer; the caller destroys it then
 */
export function readProxyHeader(socket: Socket, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const timer = setTimeout(
      () => finish(() => reject(new Error("the PROXY header took too long"))),
      timeoutMs,
    );
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      socket.off("data", take).off("close", ended).off("end", ended).off("error", ended);
      socket.pause();
      settle();
    };
    const ended = (): void => finish(() => reject(new Error("the connection ended before its PROXY header")));
    const take = (part: Buffer): void => {
      received = Buffer.concat([received, part]);
      const header = parseProxyHeader(received);
      if (header.kind === "partial") return;
      finish(() => {
        if (header.kind === "invalid") {
          reject(new Error(header.reason));
          return;
        }
        const rest = received.subarray(header.lengthBytes);
        if (rest.length > 0) socket.unshift(rest);
        resolve(header.sourceAddress);
      });
    };
    socket.on("data", take).on("close", ended).on("end", ended).on("error", ended);
    socket.resume();
  });
}
