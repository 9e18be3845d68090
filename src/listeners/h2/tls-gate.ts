import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { createSecureContext, createServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import { MeshError } from "../../model/errors.ts";
import type { RpcTlsFiles } from "../../ports/rpc-listener.ts";

/** TLS 1.3 for connections that somebody else accepts. */
export interface TlsGate {
  /** `done` is called when the handshake is through; a connection that fails it is cut. */
  enter(socket: Socket, done: (secure: TLSSocket) => void): void;
  /** Connections from now on see the new certificate. @throws MeshError invalid_argument; the old one stays then */
  reload(): Promise<void>;
}

/** @throws MeshError invalid_argument when the files are no fit pair */
export async function openTlsGate(files: RpcTlsFiles, handshakeMs: number): Promise<TlsGate> {
  const waiting = new Map<string, (secure: TLSSocket) => void>();
  const asksForCertificate = files.clientCaPath !== undefined;
  const server = createServer(
    {
      ...(await readContext(files)),
      ALPNProtocols: ["h2"],
      handshakeTimeout: handshakeMs,
      requestCert: asksForCertificate,
      // Judged below: a client without a certificate is welcome.
      rejectUnauthorized: false,
    },
    (secure) => {
      const done = waiting.get(endsOf(secure));
      waiting.delete(endsOf(secure));
      if (done === undefined || (asksForCertificate && hasUnfitCertificate(secure))) secure.destroy();
      else done(secure);
    },
  );
  server.on("tlsClientError", (_error, secure) => secure.destroy());
  return {
    enter(socket, done) {
      const ends = endsOf(socket);
      waiting.set(ends, done);
      socket.once("close", () => waiting.delete(ends));
      server.emit("connection", socket);
    },
    async reload() {
      server.setSecureContext(await readContext(files));
    },
  };
}

/** Both sockets of one connection know the ends of it. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function hasUnfitCertificate(secure: TLSSocket): boolean {
  return !secure.authorized && Object.keys(secure.getPeerCertificate()).length > 0;
}

async function readContext({ certPath, keyPath, clientCaPath }: RpcTlsFiles): Promise<SecureContextOptions> {
  try {
    const context: SecureContextOptions = {
      cert: await readFile(certPath),
      key: await readFile(keyPath),
      minVersion: "TLSv1.3",
      ...(clientCaPath !== undefined && { ca: await readFile(clientCaPath) }),
    };
    createSecureContext(context);
    return context;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "unreadable";
    throw new MeshError("invalid_argument", `the certificate of the gRPC port is of no use: ${reason}`, {
      hint: "MESHKORE_TLS_CERT, MESHKORE_TLS_KEY and MESHKORE_TLS_CLIENT_CA are PEM files; the key has to be the certificate's",
      cause,
    });
  }
}
