import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { restCall } from "../../support/rest-client.ts";
import { until } from "../../support/until.ts";
import { failedStart, runHub, withDataDir } from "./hub-run.ts";

const STACK_LINE = /^\s+at /m;

describe("a hub that starts", () => {
  test("writes one JSON line on stdout, with the addresses that it has, and nothing else", () =>
    withDataDir(async (dataDir) => {
      await using hub = runHub(dataDir, { MESHKORE_HUB_ID: "hub.test" });
      const http = await hub.http();
      expect((await restCall(http, "GET", "/healthz")).status).toBe(200);
      expect((await restCall(http, "GET", "/readyz")).status).toBe(200);
      hub.child.kill("SIGTERM");
      expect(await hub.ended).toEqual({ code: 0, signal: null });
      expect(hub.out()).toMatch(/^\{[^\n]*\}\n$/);
      expect(JSON.parse(hub.out())).toEqual({
        event: "hub.ready",
        http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/),
        grpc: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/),
        hub_id: "hub.test",
        pid: hub.child.pid,
      });
      expect(hub.err()).not.toMatch(/Warning/);
    }));

  test("prints the operator's token and an invite on the first start only, and both work", () =>
    withDataDir(async (dataDir) => {
      await using first = runHub(dataDir);
      const http = await first.http();
      const token = (await readFile(join(dataDir, "admin-token"), "utf8")).trim();
      first.child.kill("SIGTERM");
      await first.ended;
      expect(first.err().split(token)).toHaveLength(2);
      expect(first.out()).not.toContain(token);
      const [invite = "", ...others] = first.err().match(/http:\S+\/join\/\S+/g) ?? [];
      expect(others).toEqual([]);
      expect(invite.startsWith(`${http}/join/`)).toBe(true);
      expect((await stat(join(dataDir, "admin-token"))).mode & 0o777).toBe(0o600);
      expect((await stat(dataDir)).mode & 0o777).toBe(0o700);

      await using second = runHub(dataDir);
      const again = await second.http();
      const admin = await restCall(again, "GET", "/invites", { token });
      expect(admin.status).toBe(200);
      const path = `/join/${invite.split("/join/")[1] ?? ""}`;
      const joined = await restCall(again, "POST", path, { body: { agent_id: "alice" } });
      expect(joined.status).toBe(201);
      second.child.kill("SIGTERM");
      await second.ended;
      expect(second.err()).not.toContain(token);
      expect(second.err()).not.toContain("/join/");
    }));

  test("takes its settings from MESHKORE_CONFIG too, and the environment wins", () =>
    withDataDir(async (dataDir) => {
      await mkdir(dirname(dataDir), { recursive: true });
      const file = join(dirname(dataDir), "hub.env");
      await writeFile(file, "# a hub\nMESHKORE_HUB_ID=of.file\nMESHKORE_LOG_LEVEL=silent\n");
      await using ofFile = runHub(dataDir, { MESHKORE_CONFIG: file });
      await ofFile.http();
      expect(JSON.parse(ofFile.out())).toMatchObject({ hub_id: "of.file" });
      expect(ofFile.err()).not.toContain("hub.started");
      ofFile.child.kill("SIGTERM");
      await ofFile.ended;
      await using ofBoth = runHub(dataDir, { MESHKORE_CONFIG: file, MESHKORE_HUB_ID: "of.env" });
      await ofBoth.http();
      expect(JSON.parse(ofBoth.out())).toMatchObject({ hub_id: "of.env" });
    }));
});

describe("a hub with wrong settings ends with code 2", () => {
  test("naming every unknown one, and where all are listed", () =>
    withDataDir(async (dataDir) => {
      const { code, out, err } = await failedStart(dataDir, { MESHKORE_HTTP_PROT: "1", MESHKORE_X: "y" });
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toContain("MESHKORE_HTTP_PROT");
      expect(err).toContain("MESHKORE_X");
      expect(err).toContain("config list");
      expect(err).not.toMatch(STACK_LINE);
    }));

  test.each([
    ["MESHKORE_HTTP_PORT", "70000"],
    ["MESHKORE_HTTP_PORT", "http"],
    ["MESHKORE_LOG_LEVEL", "loud"],
    ["MESHKORE_DURABILITY", "none"],
    ["MESHKORE_PUBLIC_URL", "hub.test"],
    ["MESHKORE_HUB_ID", "no domain"],
    ["MESHKORE_ADMIN_TOKEN", "short-secret"],
    ["MESHKORE_CONFIG", "/nowhere/hub.env"],
  ])("naming %s, for the value %s", (name, value) =>
    withDataDir(async (dataDir) => {
      const { code, out, err } = await failedStart(dataDir, { [name]: value });
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toContain(`${name}: `);
      expect(err).not.toContain("short-secret");
      expect(err).not.toMatch(STACK_LINE);
    }),
  );

  test("also for those in the file of MESHKORE_CONFIG", () =>
    withDataDir(async (dataDir) => {
      const file = join(dirname(dataDir), "hub.env");
      await writeFile(file, "MESHKORE_HUBID=hub.test\n");
      const { code, err } = await failedStart(dataDir, { MESHKORE_CONFIG: file });
      expect(code).toBe(2);
      expect(err).toContain("MESHKORE_HUBID");
    }));
});

describe("a hub that cannot have what it needs ends with code 1", () => {
  test.each(["MESHKORE_HTTP_PORT", "MESHKORE_GRPC_PORT"])("when the port of %s is taken", (setting) =>
    withDataDir(async (dataDir) => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
      const port = String(Object(taken.address()).port);
      const { code, out, err } = await failedStart(dataDir, { [setting]: port });
      taken.close();
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toMatch(new RegExp(`^error: .*127.0.0.1:${port}: another program has the port`, "m"));
      expect(err).toMatch(/^hint: /m);
      expect(err).not.toMatch(STACK_LINE);

      // Nobody has seen a token of the start that failed, so the next one is the first.
      await using next = runHub(dataDir);
      await next.http();
      const token = await readFile(join(dataDir, "admin-token"), "utf8");
      await until("the operator's token", () => next.err().includes(token.trim()));
    }),
  );

  test("when another hub has the data directory, which goes on", () =>
    withDataDir(async (dataDir) => {
      await using first = runHub(dataDir);
      const http = await first.http();
      const { code, out, err } = await failedStart(dataDir);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toMatch(/^error: .*in use by another hub/m);
      expect(err).toMatch(/^hint: .*MESHKORE_DATA_DIR/m);
      expect(err).not.toMatch(STACK_LINE);
      expect((await restCall(http, "GET", "/healthz")).status).toBe(200);
    }));

  test.each([
    ["of another format", '{"format":3}\n', /^error: .*format 3/m],
    ["of an unknown format", "what?", /^error: .*no known format/m],
  ])("when the data directory is %s, which stays as it was", (_, version, message) =>
    withDataDir(async (dataDir) => {
      await mkdir(dataDir, { recursive: true });
      await writeFile(join(dataDir, "VERSION"), version);
      const { code, out, err } = await failedStart(dataDir);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toMatch(message);
      expect(err).toMatch(/^hint: /m);
      expect(err).not.toMatch(STACK_LINE);
      expect(await readFile(join(dataDir, "VERSION"), "utf8")).toBe(version);
    }),
  );

  test("when the data directory cannot be made", () =>
    withDataDir(async (dataDir) => {
      await writeFile(dataDir, "a file");
      const { code, out, err } = await failedStart(join(dataDir, "below"));
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toMatch(/^error: /m);
      expect(err).toMatch(/^hint: /m);
      expect(err).not.toMatch(STACK_LINE);
    }));
});
