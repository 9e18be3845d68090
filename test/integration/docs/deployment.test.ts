import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:http2";
import { describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../../src/listeners/free-port.ts";
import { hasHaproxy, startHaproxy } from "../../support/haproxy.ts";
import { withHub } from "../../support/hub.ts";

/** The block of docs/deployment.md in this language. */
async function block(language: string): Promise<string> {
  const text = await readFile(new URL("../../../docs/deployment.md", import.meta.url), "utf8");
  const found = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "m").exec(text)?.[1];
  if (found === undefined) throw new Error(`docs/deployment.md has no block of ${language}`);
  return found;
}

/** The status of a wrong join by a client at this address of the machine. */
async function wrongJoin(port: number, localAddress: string): Promise<number | undefined> {
  const call = request({
    host: "127.0.0.1",
    port,
    localAddress,
    method: "POST",
    path: "/join/wrong",
    agent: false,
  });
  call.end('{"agent_id":"a"}');
  const [response] = await once(call, "response");
  response.resume();
  return response.statusCode;
}

describe.skipIf(!hasHaproxy)("docs/deployment.md", () => {
  it("has a configuration of haproxy behind which the hub tells clients apart, on both ports", async () => {
    const env = {
      MESHKORE_TRUSTED_PROXIES: "127.0.0.1",
      MESHKORE_PROXY_PROTOCOL: "http,grpc",
      MESHKORE_ATTEMPTS_PER_MINUTE: "1",
      MESHKORE_LISTENER: "auto",
    };
    await withHub({ env }, async (hub) => {
      const http = await freePort("127.0.0.1");
      const grpc = await freePort("127.0.0.1");
      const config = (await block("haproxy"))
        .replace("0.0.0.0:80", `127.0.0.1:${http}`)
        .replace("0.0.0.0:81", `127.0.0.1:${grpc}`)
        .replace("127.0.0.1:7400", new URL(hub.http).host)
        .replace("127.0.0.1:7401", hub.grpc ?? "");
      await startHaproxy(config, [http, grpc]);
      expect(await wrongJoin(http, "127.0.0.2")).toBe(404);
      expect(await wrongJoin(http, "127.0.0.2")).toBe(429);
      expect(await wrongJoin(http, "127.0.0.3")).toBe(404);

      const session = connect(`http://127.0.0.1:${grpc}`);
      onTestFinished(() => session.destroy());
      await once(session, "remoteSettings");
      expect(session.closed).toBe(false);
    });
  });
});
