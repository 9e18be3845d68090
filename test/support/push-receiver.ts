import type { IncomingHttpHeaders } from "node:http";
import { type HttpServer, openHttpServer, textOf } from "./http-server.ts";

/** One push notification, as it came. */
export interface Pushed {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real HTTP server on loopback that takes push notifications; it can go and come back on the same port. */
export interface PushReceiver extends AsyncDisposable {
  readonly url: string;
  /** What it took: answered with 2xx. */
  readonly taken: readonly Pushed[];
  /** How many calls it answered with something else. */
  readonly refused: number;
  /** Of the answers; default 200. */
  status: number;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function openPushReceiver(): Promise<PushReceiver> {
  const taken: Pushed[] = [];
  let refused = 0;
  const listen = (port = 0): Promise<HttpServer> =>
    openHttpServer(
      async (request, response) => {
        const body = await textOf(request);
        const { status } = receiver;
        if (status >= 200 && status < 300) taken.push({ headers: request.headers, body });
        else refused += 1;
        response.writeHead(status).end();
      },
      { port },
    );
  let server = await listen();
  const { port } = server;
  const receiver = {
    url: `${server.url}/hook`,
    taken,
    get refused() {
      return refused;
    },
    status: 200,
    stop: () => server.stop(),
    async start() {
      server = await listen(port);
    },
    [Symbol.asyncDispose]: () => server.stop().catch(() => undefined),
  };
  return receiver;
}
