import { execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PAGE = new URL("../../../docs/connect.md", import.meta.url);

let hub: TestHub;
let alice: TestAgent;
let bob: TestAgent;
let page: string;
beforeAll(async () => {
  hub = await startHub();
  alice = await hub.join("alice");
  bob = await hub.join("bob");
  page = await readFile(PAGE, "utf8");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

function block(language: string): string {
  return (
    new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "m").exec(page)?.[1] ??
    expect.fail(`no ${language}`)
  );
}

describe("docs/connect.md", () => {
  test("has calls with curl that work word for word", async () => {
    const env = { ...process.env, HUB: hub.http, ALICE: alice.apiKey, BOB: bob.apiKey };
    const { stdout } = await promisify(execFile)("bash", ["-euc", block("sh")], { env });
    expect(stdout).toMatch(/^\{"messageId":"[^"]+","epoch":"1","offset":"1"\}\{"deliver":\[\{"epoch":"1"/);
  });

  test("has a client in JavaScript that works as it stands", async () => {
    const code = block("js").replaceAll("./gen/", `${ROOT}/src/gen/`);
    const env = { ...process.env, MESHKORE_URL: hub.http, MESHKORE_API_KEY: bob.apiKey };
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], { cwd: ROOT, env });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    try {
      await until("the welcome and the message", () => output.includes("hello bob\nalice hello\n"), 60_000);
      await until("the ack", async () => {
        const { messages } = JSON.parse((await bob.get("/messages")).text);
        return messages.length === 0;
      });
    } catch (thrown) {
      expect.fail(`${thrown}: ${output}`);
    } finally {
      child.kill();
    }
  });
});
