import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { createCertificate, openCertificateDir } from "../../support/certificate.ts";
import { startHub, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

/** One alone gets into the write that ends without a word about once in six times. */
const CLIENTS = 24;
const CALLS = 1500;
/** The least that can be set: the pings have to notice it. */
const SILENT_S = 8;
const NOTICED_MS = 40_000;

/** Begins more calls than it could take the answers of, and is gone while the hub writes to it. */
async function hangUpAmidCalls(grpc: string, after: number): Promise<void> {
  const [host = "", port = ""] = grpc.split(":");
  // What it says of the certificate is not the point here.
  const socket: TLSSocket = connectTls({
    host,
    port: Number(port),
    ALPNProtocols: ["h2"],
    rejectUnauthorized: false,
  });
  await once(socket, "secureConnect");
  const session = connectHttp2("https://localhost", {
    createConnection: () => socket,
    peerMaxConcurrentStreams: CALLS,
    settings: { initialWindowSize: 0 },
  });
  session.on("error", ignore);
  for (let call = 0; call < CALLS; call++) {
    const stream = session.request({
      ":method": "POST",
      ":path": "/meshkore.v1.RelayService/Send",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", ignore);
  }
  const closed = once(socket, "close");
  setTimeout(() => socket.destroy(), after);
  await closed;
}

function openFiles(hub: TestHub): number {
  return readdirSync(`/proc/${hub.pid}/fd`).length;
}

function ignore(): void {
  // The client has hung up: that its calls end is what it wanted.
}

test("a client that hangs up amid its calls through TLS leaves nothing open", {
  timeout: 90_000,
}, async () => {
  await using folder = await openCertificateDir();
  const { certPath, keyPath } = await createCertificate(folder.path, "localhost");
  await using hub = await startHub({
    env: {
      MESHKORE_TLS_CERT: certPath,
      MESHKORE_TLS_KEY: keyPath,
      MESHKORE_SILENT_CLIENT_S: String(SILENT_S),
    },
  });
  const atRest = openFiles(hub);
  for (let client = 0; client < CLIENTS; client++) await hangUpAmidCalls(hub.grpc ?? "", (client % 6) * 5);
  let last = Number.NaN;
  const isAtRest = () => {
    last = openFiles(hub);
    return last <= atRest;
  };
  await until("the hub to close what they left", isAtRest, NOTICED_MS).catch(() =>
    expect(last).toBeLessThanOrEqual(atRest),
  );
});
