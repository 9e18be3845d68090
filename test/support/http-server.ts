import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Ends all connections, and takes no more. */
  stop(): Promise<void>;
}

/** A real HTTP server on a free loopback port; with a certificate it speaks TLS. */
export async function openHttpServer(
  handler: RequestListener,
  options: { readonly cert?: string; readonly key?: string; readonly port?: number } = {},
): Promise<HttpServer> {
  const { cert, key, port: wanted = 0 } = options;
  const server: Server = cert === undefined ? createServer(handler) : createTlsServer({ cert, key }, handler);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(wanted, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `${cert === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The body of a request as text. */
export async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
