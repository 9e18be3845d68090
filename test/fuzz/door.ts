import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** How an input gets in. */
export interface Door {
  readonly port: number;
  /** What is spoken inside of TLS; undefined = bytes go onto TCP as they are. */
  readonly alpn: string | undefined;
}

/** `opened` is called when bytes can go in. Whatever ends it before that, ends with the socket's own events. */
export function openDoor({ port, alpn }: Door, opened: () => void): Socket {
  const to = { port, host: "127.0.0.1", noDelay: true };
  if (alpn === undefined) return connect(to, opened);
  return connectTls({ ...to, servername: "localhost", ALPNProtocols: [alpn] }, opened);
}
