import { onTestFinished } from "vitest";
import { MeshError } from "../../../src/model/errors.ts";
import type {
  HttpHandler,
  HttpRequest,
  HttpResponse,
  Listener,
  ListenerOptions,
  SocketHandler,
} from "../../../src/ports/listener.ts";
import { markTlsPort, schemeOf } from "./transport.ts";

/** Opens the listener that a suite is run on. */
export interface OpenListener {
  (options: ListenerOptions): Promise<Listener>;
  /** It adds TLS files of its own to the options. */
  readonly speaksTls?: boolean;
}

export const MIB = 1024 * 1024;
export const MAX_BODY_BYTES = MIB;

export interface RunningListener extends AsyncDisposable {
  readonly listener: Listener;
  readonly port: number;
  readonly url: string;
  /** What the listener told onError. */
  readonly errors: unknown[];
}

/** A listener on a free port that is closed when the test is over. */
export async function startListener(
  open: OpenListener,
  overrides: Partial<ListenerOptions>,
): Promise<RunningListener> {
  const errors: unknown[] = [];
  const listener = await open({
    host: "127.0.0.1",
    port: 0,
    http: echo,
    socketPath: "/ws",
    socket: refuseAll,
    maxBodyBytes: MAX_BODY_BYTES,
    maxFrameBytes: 64 * 1024,
    socketHighWaterBytes: 256 * 1024,
    onError: (error) => errors.push(error),
    ...overrides,
  });
  onTestFinished(() => listener.close());
  const { port } = listener;
  markTlsPort(port, open.speaksTls === true || overrides.tls !== undefined);
  return {
    listener,
    port,
    url: `${schemeOf(port, "http")}://127.0.0.1:${port}`,
    errors,
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

/** Answers with what it got: the body, and the rest in headers. */
export const echo: HttpHandler = async (request) => {
  try {
    const body = await request.body();
    return {
      status: 200,
      headers: {
        "content-type": "application/octet-stream",
        "x-method": request.method,
        "x-path": request.path,
        "x-query": request.query,
        "x-remote": request.remoteAddress,
        "x-length": String(body.byteLength),
      },
      body,
    };
  } catch (error) {
    return errorResponse(error);
  }
};

const STATUS_OF_CODE: Readonly<Record<string, number>> = { too_large: 413, unavailable: 503 };

/** As a face would answer it. */
export function errorResponse(error: unknown): HttpResponse {
  const code = error instanceof MeshError ? error.code : "internal";
  return json(STATUS_OF_CODE[code] ?? 500, { error: { code } });
}

export function json(status: number, value: unknown): HttpResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

const refuseAll: SocketHandler = () => ({ kind: "refuse", response: json(403, { error: {} }) });

/** A promise and the means to end it. */
export interface Moment<Value> {
  readonly reached: Promise<Value>;
  reach(value: Value): void;
}

export function createMoment<Value>(): Moment<Value> {
  const { promise, resolve } = Promise.withResolvers<Value>();
  return { reached: promise, reach: resolve };
}

/** Bytes that differ from place to place, so that a hole or a swap shows. */
export function patternBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8)) & 0xff;
  return bytes;
}

/** Keeps the request and how its body ended, for a test to look at after the client is gone. */
export function createObserver(): {
  readonly http: HttpHandler;
  readonly seen: Promise<HttpRequest>;
  readonly bodyError: Promise<unknown>;
} {
  const seen = createMoment<HttpRequest>();
  const bodyError = createMoment<unknown>();
  return {
    seen: seen.reached,
    bodyError: bodyError.reached,
    http: async (request) => {
      seen.reach(request);
      try {
        await request.body();
      } catch (error) {
        bodyError.reach(error);
        return errorResponse(error);
      }
      return json(200, {});
    },
  };
}
