import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface StubAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers calls as the test says and remembers them. */
export interface StubHub extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly SeenCall[];
}

export async function startStubHub(answer: (call: SeenCall) => StubAnswer): Promise<StubHub> {
  const calls: SeenCall[] = [];
  const server = createServer((request, response) => {
    void serve(request, response, calls, answer);
  });
  // Whoever waits for the server to end its connections is seen to hang.
  server.keepAliveTimeout = 120_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    calls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function portOf(address: AddressInfo | string | null): number {
  if (typeof address !== "object" || address === null) throw new Error("the server does not listen");
  return address.port;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  calls: SeenCall[],
  answer: (call: SeenCall) => StubAnswer,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://stub");
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const call = {
    method: request.method ?? "",
    path: decodeURIComponent(url.pathname),
    query: url.search,
    authorization: request.headers.authorization,
    body,
  };
  calls.push(call);
  const { status, body: document, headers } = answer(call);
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(
    typeof document === "string" ? document : document === undefined ? "" : JSON.stringify(document),
  );
}
