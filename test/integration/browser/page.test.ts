import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_BROWSER, openBrowser, type PageServer, servePages } from "../../support/browser.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

if (NO_BROWSER !== undefined) console.warn(`SKIPPED, the page in a browser: ${NO_BROWSER}`);

/** The first block of a kind in the section "From a browser page" of docs/clients.md. */
async function block(kind: string): Promise<string> {
  const text = await readFile(join(ROOT, "docs/clients.md"), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith("From a browser page")) ?? "";
  const found = new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(section)?.[1];
  if (found === undefined) throw new Error(`the section has no ${kind}`);
  return found;
}

/** A clone as the text supposes one, with the page in it, bundled by the command that stands there. */
async function bundlePage(clone: string): Promise<void> {
  for (const name of ["src", "node_modules", "package.json"])
    await symlink(join(ROOT, name), join(clone, name));
  await mkdir(join(clone, "page"));
  await writeFile(join(clone, "page/page.ts"), await block("ts"));
  await writeFile(join(clone, "page/index.html"), await block("html"));
  const [bundle = "", serve = ""] = (await block("sh")).trim().split("\n");
  expect(serve).toContain("--serve=");
  const PATH = `${dirname(process.execPath)}:${process.env["PATH"]}`;
  await promisify(execFile)("bash", ["-euc", bundle], { cwd: clone, env: { ...process.env, PATH } });
}

describe.skipIf(NO_BROWSER !== undefined)("a page in Chromium", () => {
  let clone: string;
  let server: PageServer;
  let browser: Browser;
  let hub: TestHub;
  let alice: TestAgent;

  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), "meshkore-page-"));
    await bundlePage(clone);
    server = await servePages(join(clone, "page"));
    const origins = `http://app.example:${server.port}`;
    [browser, hub] = await Promise.all([
      openBrowser(),
      startHub({ env: { MESHKORE_CORS_ORIGINS: origins, MESHKORE_LOG_LEVEL: "debug" } }),
    ]);
    alice = await hub.join("alice");
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    await hub?.[Symbol.asyncDispose]();
    await rm(clone, { recursive: true, force: true });
  });

  interface OpenPage {
    readonly page: Page;
    /** What went wrong in the page, for whoever reads a failure. */
    readonly told: string[];
    /** Of all its requests. */
    readonly urls: string[];
  }

  async function open(host: string): Promise<OpenPage> {
    const page = await browser.newPage();
    const told: string[] = [];
    const urls: string[] = [];
    page.on("request", (request) => urls.push(request.url()));
    page.on("console", (message) => told.push(message.text()));
    page.on("pageerror", (error) => told.push(String(error)));
    await page.goto(`http://${host}:${server.port}/#${hub.http}/join/${await hub.invite()}`);
    return { page, told, urls };
  }

  /** The lines of one kind that the page shows, receipts left out, when there are so many. */
  function lines({ page, told }: OpenPage, what: string, count: number): Promise<string[]> {
    return until(
      `${count} × ${what} (${told.join("; ")})`,
      async () => {
        const all = await page.locator(`li[data-what="${what}"]`).allTextContents();
        const texts = all.filter((text) => !text.includes(": hub "));
        return texts.length >= count && texts;
      },
      20_000,
    );
  }

  test.each(["127.0.0.1", "app.example"])(
    "of %s joins, sends by gRPC-Web, and follows its inbox by gRPC-Web, events and a WebSocket",
    async (host) => {
      const opened = await open(host);
      const { page } = opened;
      const [joined = ""] = await lines(opened, "joined", 1);
      const agentId = joined.replace("joined: ", "");
      await page.fill("input[name=text]", "héllo from a page");
      await page.click("button");
      await lines(opened, "sent", 1);
      const message = await until("the page's message", async () =>
        (await alice.get("/messages")).messages().find((each) => each.from === agentId),
      );
      expect(message.payload).toBe("héllo from a page");
      for (const payload of [{ n: 1 }, "two"]) await alice.post("/send", { to: agentId, payload });
      for (const what of ["grpc-web", "events", "socket"]) {
        expect(await lines(opened, what, 2)).toEqual([`${what}: alice {"n":1}`, `${what}: alice "two"`]);
      }
      await page.close();
    },
    60_000,
  );

  test("goes on after the last event with a new ticket when its stream was cut, and tickets are in no log", async () => {
    const opened = await open("127.0.0.1");
    const { page, urls } = opened;
    const agentId = ((await lines(opened, "joined", 1))[0] ?? "").replace("joined: ", "");
    await alice.post("/send", { to: agentId, payload: "before" });
    await lines(opened, "events", 1);
    const { port } = new URL(hub.http);
    await hub.stop();
    await hub.start({ MESHKORE_HTTP_PORT: port });
    const streams = () => urls.filter((url) => url.includes("/messages/stream"));
    await until("the page's second stream", () => streams().length > 1, 60_000);
    await alice.post("/send", { to: agentId, payload: "after" });
    expect(await lines(opened, "events", 2)).toEqual(['events: alice "before"', 'events: alice "after"']);
    const tickets = urls.flatMap((url) => /ticket=(mkt_[\w-]+)/.exec(url)?.[1] ?? []);
    expect(tickets.length).toBeGreaterThan(1);
    expect(new Set(tickets).size).toBe(tickets.length);
    for (const ticket of tickets) expect(hub.log()).not.toContain(ticket);
    await page.close();
  }, 60_000);

  test("of another origin reaches nothing: no call, no stream, no WebSocket", async () => {
    const { page, told } = await open("evil.example");
    await until("the refusal of the page's join", () => told.some((text) => text.includes("CORS")), 60_000);
    expect(await page.locator("li").count()).toBe(0);
    const { token } = alice;
    const ticket = String((await alice.post("/tickets")).field("ticket"));
    const outcomes = await page.evaluate(
      async ([base, bearer, once]) => {
        const headers = { authorization: `Bearer ${bearer}` };
        const call = fetch(`${base}/stats`, { headers }).then(
          () => "answered",
          () => "refused",
        );
        const opened = (target: WebSocket | EventSource) =>
          new Promise((resolve) => {
            target.onopen = () => resolve("open");
            target.onerror = () => resolve("refused");
          });
        return [
          await call,
          await opened(
            new WebSocket(`${base.replace("http", "ws")}/ws`, [
              `meshkore.bearer.${bearer}`,
              "meshkore.v1.json",
            ]),
          ),
          await opened(new EventSource(`${base}/messages/stream?ticket=${once}`)),
        ];
      },
      [hub.http, token, ticket] as const,
    );
    expect(outcomes).toEqual(["refused", "refused", "refused"]);
    await page.close();
  }, 60_000);

  test("shows /docs under its own policy, in light and dark, and no wider than a telephone", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const context = await browser.newContext({ colorScheme, viewport: { width: 360, height: 700 } });
      const page = await context.newPage();
      const told: string[] = [];
      page.on("console", (message) => told.push(message.text()));
      await page.goto(`${hub.http}/docs#send`);
      // As text: the types of a page's world are not those of this one.
      await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
      const [width, ink, paper] = await page.evaluate<[number, string, string]>(
        "[document.documentElement.scrollWidth, " +
          "getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]",
      );
      expect(width).toBe(360);
      const isDark = (color: string) => Number(/\d+/.exec(color)?.[0]) < 128;
      expect([isDark(ink), isDark(paper)]).toEqual(colorScheme === "dark" ? [false, true] : [true, false]);
      expect(told).toEqual([]);
      await context.close();
    }
  });
});
