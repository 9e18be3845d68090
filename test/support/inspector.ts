import { once } from "node:events";
import { WebSocket } from "ws";
import type { TestHub } from "./hub.ts";

/** For `NODE_OPTIONS` of a hub whose inside is to be looked at: Node's own debugger, on a free loopback port. */
export const INSPECTABLE = "--inspect=127.0.0.1:0";

/** Node's debugger in a hub that runs with INSPECTABLE. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #lastId = 0;

  /** @throws when the hub was not started so */
  static async open(hub: TestHub): Promise<Inspector> {
    const url = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(hub.log())?.[0];
    if (url === undefined) throw new Error("the hub was not started with a debugger");
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, "open");
    return new Inspector(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString("utf8"));
      this.#waiting.get(id)?.resolve(Object(result));
      this.#waiting.delete(id);
    });
    socket.once("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the hub's debugger went away"));
      this.#waiting.clear();
    });
  }

  /** One command of the protocol and its result. @throws when the hub is gone */
  call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  }

  /** What the expression is in the hub's process: anything that JSON can tell. @throws when it throws there */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`in the hub: ${JSON.stringify(exceptionDetails)}`);
    return Object(result).value;
  }

  close(): void {
    this.#socket.terminate();
  }
}
