import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestHub } from "../../support/hub.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PYTHON = "/usr/bin/python3";

/** The shell blocks of each section of docs/clients.md, as they stand there; "" is what comes before the first. */
async function shellBlocks(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(ROOT, "docs/clients.md"), "utf8");
  return new Map(
    text.split(/^## /m).map((section, index) => {
      const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
      return [index === 0 ? "" : (section.split("\n")[0] ?? ""), blocks.join("\n")];
    }),
  );
}

async function canRun(command: string, args: readonly string[]): Promise<boolean> {
  return promisify(execFile)(command, [...args]).then(
    () => true,
    () => false,
  );
}

const hasPython = existsSync(PYTHON) && (await canRun(PYTHON, ["-c", "import grpc, grpc_tools"]));
if (!hasPython)
  console.warn("SKIPPED: Python as docs/clients.md tells it; install python3-grpcio, python3-grpc-tools");
const hasOpenssl = await canRun("openssl", ["version"]);
if (!hasOpenssl) console.warn("SKIPPED: TLS as docs/clients.md tells it; install openssl");

describe("docs/clients.md works word for word", () => {
  let blocks: ReadonlyMap<string, string>;
  let folder: string;
  let hub: TestHub;

  beforeAll(async () => {
    blocks = await shellBlocks();
    folder = await mkdtemp(join(tmpdir(), "meshkore-clients-"));
    await symlink(join(ROOT, "proto"), join(folder, "proto"));
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    hub = await startHub({ dataDir: join(folder, "data"), env: { MESHKORE_ADMIN_TOKEN: undefined } });
    // Each test has agents of its own, all by the names of the page.
  });

  afterAll(async () => {
    await hub?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs them in the folder, with the addresses of the hub of now, and agents of `names`. */
  async function run(script: string, names: readonly [alice: string, bob: string]): Promise<string> {
    const [alice, bob] = names;
    const text = script
      .replaceAll("http://127.0.0.1:7400", hub.http)
      .replaceAll("127.0.0.1:7401", String(hub.grpc))
      .replaceAll("localhost:7401", String(hub.grpc).replace("127.0.0.1", "localhost"))
      .replaceAll('"agent_id":"alice"', `"agent_id":"${alice}"`)
      .replaceAll('"agent_id":"bob"', `"agent_id":"${bob}"`)
      .replaceAll(/"bob"/g, `"${bob}"`);
    const PATH = `${dirname(process.execPath)}:${process.env["PATH"]}`;
    const env = { ...process.env, PATH, NO_UPDATE_NOTIFIER: "1" };
    const { stdout } = await promisify(execFile)("bash", ["-euc", text], { cwd: folder, env });
    return stdout;
  }

  const section = (name: string): string => {
    const script = blocks.get(name) ?? "";
    expect(script).not.toBe("");
    return `${blocks.get("")}\n${script}`;
  };

  test.skipIf(!hasPython)("Python", { timeout: 60_000 }, async () => {
    const lines = (await run(section("Python"), ["alice", "bob"])).trimEnd().split("\n");
    expect(lines).toEqual([
      expect.stringMatching(/^accepted [0-9a-f-]{36}$/),
      'bob got {"text":"hello"} from alice',
      expect.stringMatching(/^bob's answer is [0-9a-f-]{36}$/),
      'alice got "bonjour"',
      expect.stringMatching(/^refused: NOT_FOUND .*nobody/),
    ]);
  });

  test("buf curl over h2c", { timeout: 60_000 }, async () => {
    const out = await run(section("buf curl, or grpcurl"), ["ann", "ben"]);
    expect(out).toContain("meshkore.v1.RelayService\n");
    expect(out).toContain("grpc.health.v1.Health\n");
    expect(out).toMatch(/"messageId": *"[0-9a-f-]{36}"/);
    expect(out).toMatch(/"status": *"SERVING"/);
    for (const expected of [/"welcome"/, /"ref": *"1"/, /"ref": *"2"/, /"pong": *"7"/])
      expect(out).toMatch(expected);
  });

  test.skipIf(!hasOpenssl)("buf curl over TLS", { timeout: 60_000 }, async () => {
    const [certificate = "", call = ""] = (blocks.get("TLS") ?? "").split(/^(?=npx)/m);
    const agents = await run(`${blocks.get("")}\n${certificate}\necho "$ALICE"`, ["amy", "bill"]);
    await hub.stop();
    await hub.start({
      MESHKORE_TLS_CERT: join(folder, "hub.crt"),
      MESHKORE_TLS_KEY: join(folder, "hub.key"),
    });
    const out = await run(`ALICE=${agents.trim()}\n${call}`, ["amy", "bill"]);
    expect(out).toMatch(/"cursor": *"/);
  });
});
