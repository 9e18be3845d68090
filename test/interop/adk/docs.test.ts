import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { withHub } from "../../support/hub.ts";
import { startRestWorker, type Turn } from "../../support/task-worker.ts";
import { factoryFor, outline, talkTo } from "./talk.ts";

/** Where a program finds the packages of this folder. */
const FOLDER = fileURLToPath(new URL("node_modules/.cache/", import.meta.url));

/** The one block of this language in the section of a page on ADK. */
async function block(page: string, language: string): Promise<string> {
  const text = await readFile(new URL(`../../../docs/${page}`, import.meta.url), "utf8");
  const section = text.split(/^#+ Google ADK$/m)[1] ?? "";
  const blocks = [...section.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))];
  expect(blocks).toHaveLength(1);
  return blocks[0]?.[1] ?? "";
}

it("docs/a2a.md has a program for ADK that works word for word", async () => {
  await withHub({}, async (hub) => {
    const alice = await hub.join("alice");
    const bob = await hub.join("bob");
    const turns: Turn[] = [];
    await using worker = startRestWorker(bob, async ({ turn, update }) => {
      turns.push(turn);
      if (turn.isFirst) await update({ payload: "into which language?", status: "input_required" });
      else await update({ payload: "guten Morgen", status: "completed" });
    });
    const file = `${FOLDER}talk-${process.pid}.mjs`;
    await mkdir(FOLDER, { recursive: true });
    try {
      await writeFile(file, (await block("a2a.md", "js")).replaceAll("http://127.0.0.1:7400", hub.http));
      const env = { ...process.env, MESHKORE_API_KEY: alice.apiKey };
      const args = [file, "translate: good morning", "German"];
      const { stdout } = await promisify(execFile)(process.execPath, args, { env });
      expect(stdout).toBe("into which language?\nguten Morgen\n");
    } finally {
      await rm(file, { force: true });
    }
    expect(turns.map(({ said }) => said)).toEqual(["translate: good morning", "German"]);
    expect(turns[1]?.taskId).toBe(turns[0]?.taskId);
    expect(worker.faults).toEqual([]);
  });
});

it("docs/conformance.md has a question that ADK takes for one", async () => {
  const question = JSON.parse(await block("conformance.md", "json"));
  await withHub({}, async (hub) => {
    const alice = await hub.join("alice");
    const bob = await hub.join("bob");
    const turns: Turn[] = [];
    await using _worker = startRestWorker(bob, async ({ turn, update }) => {
      turns.push(turn);
      await update(turn.isFirst ? question : { status: "completed", payload: "thanks" });
    });
    const talk = await talkTo(await factoryFor(alice.token).createFromUrl(`${hub.http}/a2a/bob/`));
    const [asked] = await talk.say("paint it");
    expect(asked?.longRunningToolIds).toEqual(["q1"]);
    const response = { color: "red" };
    const events = await talk.say([{ functionResponse: { id: "q1", name: "ask_color", response } }]);
    expect(outline(events)).toEqual(["thanks"]);
    expect(turns[1]?.taskId).toBe(turns[0]?.taskId);
    expect(turns[1]?.parts).toMatchObject([{ data: { id: "q1", response } }]);
  });
});
