import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { ListenerOptions } from "../../ports/listener.ts";
import { normalizeAddress } from "../client-address.ts";
import { readProxyHeader } from "../read-proxy-header.ts";

const HEADER_TIMEOUT_MS = 5_000;

/**
 * Takes the PROXY header off each connection of a trusted proxy before the server sees it; a connection without one is
 * cut. Answers with what gives the address that the header of a request's connection told.
 */
export function acceptProxied(
  server: Server,
  { isTrustedProxy }: ListenerOptions,
): (request: IncomingMessage) => string | undefined {
  const told = new Map<string, string>();
  const isTls = "setSecureContext" in server;
  const serve = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const pass = (): void => {
      for (const listener of serve) Reflect.apply(listener, server, [socket]);
    };
    if (isTrustedProxy?.(normalizeAddress(socket.remoteAddress ?? "")) !== true) {
      pass();
      return;
    }
    const key = connectionKey(socket);
    const cut = (): void => {
      socket.destroy();
    };
    // Until the server takes over, a connection that breaks must not end the process.
    socket.on("error", cut);
    readProxyHeader(socket, HEADER_TIMEOUT_MS).then((address) => {
      socket.off("error", cut);
      if (address !== undefined) {
        told.set(key, address);
        socket.once("close", () => told.delete(key));
      }
      pass();
      // TLS takes what is in the paused socket by itself.
      if (!isTls) socket.resume();
    }, cut);
  });
  return ({ socket }) => told.get(connectionKey(socket));
}

/** What tells an open connection from all others, the same on the TLS socket and on the plain one below it. */
function connectionKey({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remotePort} ${remoteAddress}`;
}
