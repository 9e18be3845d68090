import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmod, readFile, truncate } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkClock, checkNode } from "../../../src/cli/doctor/machine-checks.ts";
import { checkTls } from "../../../src/cli/doctor/network-checks.ts";
import { withHub } from "../../support/hub.ts";
import { createMemoryEdge, runCli } from "../../unit/cli/memory-edge.ts";
import { portOf } from "../../unit/cli/stub-hub.ts";
import { testFolder } from "./operator-cli.ts";

const LONG_MS = 60_000;

interface Found {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly hint?: string;
}

/** What the doctor finds, by check, and its exit code. */
async function doctor(env: Readonly<Record<string, string>>) {
  const edge = createMemoryEdge({ env, nowUnixMs: Date.now() });
  const { code, out } = await runCli(["--json", "doctor"], edge);
  const { checks } = JSON.parse(out) as { checks: readonly Found[] };
  return { code, found: Object.fromEntries(checks.map((one) => [one.check, one])) };
}

/** Two lists of the same ports: in a process of their own, hubs of other tests may have them any moment. */
const ANY_PORT = { MESHKORE_HTTP_PORT: "0", MESHKORE_GRPC_PORT: "0" };

test(
  "a hub that runs is well; stopped, every page of its data is read",
  () =>
    withHub({}, async (hub) => {
      await hub.join("alice");
      const { port } = new URL(hub.http);
      const env = { MESHKORE_DATA_DIR: hub.dataDir, MESHKORE_HTTP_PORT: port, MESHKORE_GRPC_PORT: "0" };
      await chmod(hub.dataDir, 0o700);
      const running = await doctor(env);
      expect(running.code).toBe(0);
      expect(running.found).toMatchObject({
        node: { status: "ok" },
        settings: { status: "ok" },
        "data directory": { status: "ok" },
        data: { status: "skip", detail: expect.stringContaining("a hub runs on it") },
        listener: { status: "ok" },
        "http port": { status: "ok", detail: expect.stringContaining("the hub answers") },
        clock: { status: "ok" },
        hub: { status: "ok" },
      });
      await hub.stop();
      const stopped = await doctor(env);
      expect(stopped.found["data"]).toMatchObject({
        status: "ok",
        detail: expect.stringContaining("1 agents"),
      });
      expect(stopped.found["hub"]).toMatchObject({ status: "skip" });

      await truncate(join(hub.dataDir, "store.sqlite"), 12_288);
      await chmod(hub.dataDir, 0o755);
      const harmed = await doctor(env);
      expect(harmed.code).toBe(1);
      expect(harmed.found["data"]).toMatchObject({
        status: "fail",
        hint: expect.stringContaining("meshkore restore"),
      });
      expect(harmed.found["data directory"]).toMatchObject({
        status: "warn",
        hint: expect.stringContaining("chmod 700"),
      });
    }),
  LONG_MS,
);

test("settings that are wrong, a port that is taken and a proxy that is everybody are told of", async () => {
  const dataDir = join(await testFolder(), "none");
  expect((await doctor({ MESHKORE_HTTP_PROT: "1" })).found["settings"]).toMatchObject({
    status: "fail",
    detail: expect.stringContaining("did you mean MESHKORE_HTTP_PORT"),
  });
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const taken = String(portOf(server.address()));
  const { code, found } = await doctor({
    ...ANY_PORT,
    MESHKORE_DATA_DIR: dataDir,
    MESHKORE_GRPC_PORT: taken,
    MESHKORE_TRUSTED_PROXIES: "0.0.0.0/0",
  });
  server.close();
  expect(code).toBe(1);
  expect(found["grpc port"]).toMatchObject({ status: "fail", detail: expect.stringContaining(taken) });
  expect(found["proxies"]).toMatchObject({ status: "warn" });
  expect(found["data directory"]).toMatchObject({ status: "skip" });
});

test("certificates: which one has ended, ends soon, or has another key", async () => {
  const folder = await testFolder();
  const make = (name: string) => {
    const certPath = join(folder, `${name}.pem`);
    const keyPath = join(folder, `${name}.key`);
    const args = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "90",
    ];
    execFileSync("openssl", [...args, "-subj", `/CN=${name}`, "-keyout", keyPath, "-out", certPath], {
      stdio: "ignore",
    });
    return { certPath, keyPath, clientCaPath: undefined };
  };
  const [one, other] = [make("one"), make("other")];
  const end = Date.parse(new X509Certificate(await readFile(one.certPath)).validTo);
  const at = (days: number) => checkTls(one, end - days * 86_400_000);
  expect(await at(60)).toMatchObject({ status: "ok" });
  expect(await at(10)).toMatchObject({ status: "warn", detail: expect.stringContaining("in 10 days") });
  expect(await at(-1)).toMatchObject({ status: "fail", detail: expect.stringContaining("ended on") });
  expect(await checkTls({ ...one, keyPath: other.keyPath }, end - 1)).toMatchObject({ status: "fail" });
  expect(await checkTls({ ...one, certPath: join(folder, "none") }, end)).toMatchObject({ status: "fail" });
});

test("an old Node and a clock that was never set", () => {
  expect(checkNode("v22.18.0").status).toBe("ok");
  expect(checkNode("v24.0.0").status).toBe("ok");
  expect(checkNode("v22.17.9").status).toBe("fail");
  expect(checkNode("v20.19.0").status).toBe("fail");
  const now = Date.UTC(2027, 0, 1);
  expect(checkClock(0, undefined).status).toBe("fail");
  expect(checkClock(now, now - 1).status).toBe("ok");
  expect(checkClock(now, now + 3_600_000).status).toBe("warn");
});
