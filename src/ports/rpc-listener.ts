import type { BucketRate } from "../model/token-bucket.ts";
import type { Listener, TlsFiles } from "./listener.ts";
import type { RpcService } from "./rpc.ts";

/** Certificates of clients are asked for when `clientCaPath` is there: verified when given, never required. */
export interface RpcTlsFiles extends TlsFiles {
  readonly clientCaPath?: string | undefined;
}

/** What a connection may do. */
export interface RpcLimits {
  /** Calls at once on one connection; more wait at the client. */
  readonly concurrentCalls: number;
  /** Open connections; one more is cut at once. */
  readonly connections: number;
  /** All headers of one call together. */
  readonly headerBytes: number;
  /** A connection that has not begun to speak HTTP/2 (after PROXY header and TLS) by then is cut. */
  readonly greetingMs: number;
  /** A request of one message that is not all there by then is cut. */
  readonly requestMs: number;
  /** A connection without a call for so long is ended. */
  readonly idleMs: number;
  /** A connection that is silent for so long is pinged, and cut when nothing comes back in `pingAnswerMs`. */
  readonly pingEveryMs: number;
  readonly pingAnswerMs: number;
  /** Pings of a client to which nothing was sent in between; more ends the connection. */
  readonly pings: BucketRate;
  /** Calls that the client took back; more ends the connection. */
  readonly resets: BucketRate;
}

export interface RpcListenerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Asked for once, with the first connection. */
  readonly services: () => Promise<readonly RpcService[]>;
  /** A larger message, in either direction, ends its call with RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
  /** A session is full above this many unsent bytes. */
  readonly highWaterBytes: number;
  /** Speak TLS 1.3; absent = plain text (h2c). */
  readonly tls?: RpcTlsFiles;
  /** Whether what a proxy at this address says of the client's address is believed. Absent = nobody is. */
  readonly isTrustedProxy?: (address: string) => boolean;
  /** Connections of trusted proxies begin with a PROXY protocol header. */
  readonly expectsProxyHeader?: boolean;
  readonly limits?: Partial<RpcLimits>;
  /** Told about what a handler or a session threw against its contract. Must not throw. */
  readonly onError: (error: unknown) => void;
}

/** The port of gRPC. `stopAccepting` also tells open connections to start no more calls (GOAWAY). */
export interface RpcListener extends Listener {
  /** After `stopAccepting`: waits until the calls under way are answered, at most about `limitMs`. */
  settle(limitMs: number): Promise<void>;
}
