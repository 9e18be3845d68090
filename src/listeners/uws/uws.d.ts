// The part of uWebSockets.js that the listener uses, in both versions that load.ts can give it.
// The packages ship binaries without types; names and meanings are uWebSockets.js's own.

export type Bytes = string | ArrayBuffer | ArrayBufferView;

declare const listenSocket: unique symbol;
declare const appDescriptor: unique symbol;
declare const socketContext: unique symbol;
export interface ListenSocket {
  readonly [listenSocket]: true;
}
export interface AppDescriptor {
  readonly [appDescriptor]: true;
}
export interface SocketContext {
  readonly [socketContext]: true;
}

/** Valid from `open` until `close` returns; any call after that throws. */
export interface WebSocket<UserData> {
  /** 1 sent, 0 buffered (wait for `drain`), 2 dropped because `maxBackpressure` was reached. */
  send(message: Bytes, isBinary?: boolean, compress?: boolean): 0 | 1 | 2;
  getBufferedAmount(): number;
  /** Sends a close frame and calls the `close` handler before it returns. */
  end(code?: number, shortMessage?: Bytes): void;
  /** Cuts the connection without a close frame; calls the `close` handler before it returns. */
  close(): void;
  ping(message?: Bytes): 0 | 1 | 2;
  /** Gathers all sends of the callback into one system call. */
  cork(callback: () => void): WebSocket<UserData>;
  getUserData(): UserData;
  getRemoteAddressAsText(): ArrayBuffer;
}

/** Valid until `onAborted` fires or the response is ended; any call after that throws. */
export interface HttpResponse {
  /** First call of a response, as in "200 OK". */
  writeStatus(status: Bytes): HttpResponse;
  writeHeader(key: Bytes, value: Bytes): HttpResponse;
  /** A chunk of a chunked body; false when it had to be buffered. */
  write(chunk: Bytes): boolean;
  end(body?: Bytes, closeConnection?: boolean): HttpResponse;
  endWithoutBody(reportedContentLength?: number, closeConnection?: boolean): HttpResponse;
  /** Sends what fits of a body of known size: [all of it went out, the response is over]. */
  tryEnd(fullBodyOrChunk: Bytes, totalSize: number): [boolean, boolean];
  /** Cuts the connection; `onAborted` fires. */
  close(): HttpResponse;
  getWriteOffset(): number;
  /** Called when more can be written; returns whether the write succeeded (true when nothing was written). */
  onWritable(handler: (offset: number) => boolean): HttpResponse;
  /** Must be set before a handler returns without having ended the response. */
  onAborted(handler: () => void): HttpResponse;
  /** The chunk is emptied when the callback returns: copy what is to be kept. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): HttpResponse;
  pause(): void;
  resume(): void;
  /** Needed around writes everywhere but directly in a route handler. */
  cork(callback: () => void): HttpResponse;
  getRemoteAddressAsText(): ArrayBuffer;
  upgrade<UserData>(
    userData: UserData,
    secWebSocketKey: Bytes,
    secWebSocketProtocol: Bytes,
    secWebSocketExtensions: Bytes,
    context: SocketContext,
  ): void;
}

/** Lives on the stack: only valid until the handler returns or awaits. */
export interface HttpRequest {
  /** The value, or "" when the header is absent. */
  getHeader(lowerCaseKey: Bytes): string;
  getParameter(index: number): string | undefined;
  getUrl(): string;
  getMethod(): string;
  getCaseSensitiveMethod(): string;
  getQuery(): string;
  getQuery(key: string): string | undefined;
  forEach(callback: (key: string, value: string) => void): void;
  setYield(yieldsToNextRoute: boolean): HttpRequest;
}

export interface WebSocketBehavior<UserData> {
  /** A longer message closes the connection. Default 16 KiB. */
  maxPayloadLength?: number;
  /** What may be buffered for a slow reader before a send is dropped. Default 64 KiB. */
  maxBackpressure?: number;
  /** Closes instead of dropping. Default false. */
  closeOnBackpressureLimit?: boolean;
  /** Seconds without traffic before the connection is closed; 0 = never. Default 120, granularity 4. */
  idleTimeout?: number;
  sendPingsAutomatically?: boolean;
  /** One of the module's compression constants, combined with `|`. Default DISABLED. */
  compression?: number;
  upgrade?(response: HttpResponse, request: HttpRequest, context: SocketContext): void;
  open?(socket: WebSocket<UserData>): void;
  /** The message is emptied when the handler returns: copy what is to be kept. */
  message?(socket: WebSocket<UserData>, message: ArrayBuffer, isBinary: boolean): void;
  dropped?(socket: WebSocket<UserData>, message: ArrayBuffer, isBinary: boolean): void;
  drain?(socket: WebSocket<UserData>): void;
  /** The socket is already gone: nothing may be sent on it. */
  close?(socket: WebSocket<UserData>, code: number, message: ArrayBuffer): void;
  ping?(socket: WebSocket<UserData>, message: ArrayBuffer): void;
  pong?(socket: WebSocket<UserData>, message: ArrayBuffer): void;
}

export interface AppOptions {
  key_file_name?: string;
  cert_file_name?: string;
  ca_file_name?: string;
  passphrase?: string;
  ssl_ciphers?: string;
  ssl_prefer_low_memory_usage?: boolean;
}

export type RouteHandler = (response: HttpResponse, request: HttpRequest) => void;
export type ListenCallback = (socket: ListenSocket | false) => void;

export interface App {
  get(pattern: string, handler: RouteHandler): App;
  post(pattern: string, handler: RouteHandler): App;
  options(pattern: string, handler: RouteHandler): App;
  del(pattern: string, handler: RouteHandler): App;
  patch(pattern: string, handler: RouteHandler): App;
  put(pattern: string, handler: RouteHandler): App;
  head(pattern: string, handler: RouteHandler): App;
  any(pattern: string, handler: RouteHandler): App;
  /** Told +1 when a connection opens and -1 when it ends, unless it became a WebSocket. */
  filter(handler: (response: HttpResponse, change: 1 | -1) => void): App;
  ws<UserData>(pattern: string, behavior: WebSocketBehavior<UserData>): App;
  listen(host: string, port: number, callback: ListenCallback): App;
  /** `LIBUS_LISTEN_EXCLUSIVE_PORT` makes a taken port an error; without it, processes share the port. */
  listen(host: string, port: number, options: number, callback: ListenCallback): App;
  /** From then on connections that this app accepts go to its children in turn, TLS apps to TLS apps. */
  addChildAppDescriptor(child: AppDescriptor): App;
  removeChildAppDescriptor(child: AppDescriptor): App;
  getDescriptor(): AppDescriptor;
  /** Closes every socket, the listening one too. */
  close(): App;
}

export interface UwsModule {
  App(options?: AppOptions): App;
  SSLApp(options: AppOptions): App;
  us_listen_socket_close(socket: ListenSocket): void;
  us_socket_local_port(socket: ListenSocket): number;
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
  readonly DISABLED: number;
  readonly SHARED_COMPRESSOR: number;
  readonly SHARED_DECOMPRESSOR: number;
  readonly DEDICATED_COMPRESSOR_3KB: number;
  readonly DEDICATED_DECOMPRESSOR: number;
}
