import { once } from "node:events";
import { createServer } from "node:net";
import { MeshError } from "../model/errors.ts";

/**
 * A port that is free at this moment.
 * @throws MeshError unavailable when the host has no address of this machine
 */
export async function freePort(host: string): Promise<number> {
  const server = createServer();
  try {
    server.listen({ host, port: 0, exclusive: true });
    await once(server, "listening");
  } catch (cause) {
    throw listenErrorFromCause(host, 0, cause);
  }
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw listenErrorFromCause(host, 0, undefined);
  return address.port;
}

/** Why this address cannot be listened on, found out by trying, since the native library does not say. */
export async function listenError(host: string, port: number): Promise<MeshError> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
  } catch (cause) {
    return listenErrorFromCause(host, port, cause);
  }
  server.close();
  await once(server, "close");
  return listenErrorFromCause(host, port, undefined);
}

/** The error of Node's own `listen`, in words that help. */
export function listenErrorFromCause(host: string, port: number, cause: unknown): MeshError {
  const known = isCoded(cause) ? REASONS.get(cause.code) : undefined;
  const [reason, hint] = known ?? ["the system refused it", "try again, or choose another address or port"];
  return new MeshError("unavailable", `cannot listen on ${host}:${port}: ${reason}`, { hint, cause });
}

const REASONS: ReadonlyMap<string, readonly [reason: string, hint: string]> = new Map([
  [
    "EADDRINUSE",
    ["another program has the port", "stop that program or choose another port; 0 takes a free one"],
  ],
  ["EACCES", ["this user may not use the port", "choose a port from 1024 up"]],
  ["EADDRNOTAVAIL", ["this machine does not have the address", "listen on 127.0.0.1, or on 0.0.0.0 for all"]],
  ["ENOTFOUND", ["the host name is unknown", "listen on 127.0.0.1, or on 0.0.0.0 for all"]],
]);

function isCoded(value: unknown): value is { readonly code: string } {
  return typeof value === "object" && value !== null && "code" in value && typeof value.code === "string";
}
