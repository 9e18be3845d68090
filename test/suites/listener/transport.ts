import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Ports of this process whose listeners speak TLS, so that one suite fits both. */
const tlsPorts = new Set<number>();

export function markTlsPort(port: number, isTls: boolean): void {
  if (isTls) tlsPorts.add(port);
  else tlsPorts.delete(port);
}

/** "http" or "ws", with an "s" where the port speaks TLS. */
export function schemeOf(port: number, plain: "http" | "ws"): string {
  return tlsPorts.has(port) ? `${plain}s` : plain;
}

export interface RawConnection {
  /** What to read and write. */
  readonly socket: Socket;
  /** The TCP connection below it. */
  readonly tcp: Socket;
}

/** An open connection that speaks TLS where the port does. */
export async function openRaw(port: number, localAddress?: string): Promise<RawConnection> {
  const from = localAddress === undefined ? {} : { localAddress };
  const tcp = connect({ port, host: "127.0.0.1", noDelay: true, ...from });
  await once(tcp, "connect");
  if (!tlsPorts.has(port)) return { socket: tcp, tcp };
  const socket = connectTls({ socket: tcp, host: "127.0.0.1" });
  await once(socket, "secureConnect");
  return { socket, tcp };
}
