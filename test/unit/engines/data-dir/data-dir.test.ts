import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DataDir, openDataDir } from "../../../../src/engines/data-dir/data-dir.ts";

let parent: string;
let path: string;
let opened: (DataDir & AsyncDisposable) | undefined;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "meshkore-data-"));
  path = join(parent, "data");
});
afterEach(async () => {
  await close();
  await rm(parent, { recursive: true });
});

async function open(): Promise<DataDir> {
  await close();
  opened = await openDataDir(path);
  return opened;
}

async function close(): Promise<void> {
  await opened?.[Symbol.asyncDispose]();
  opened = undefined;
}

async function modeOf(file: string): Promise<number> {
  return (await stat(file)).mode & 0o777;
}

describe("the directory", () => {
  it("is made with all above it, for the hub's user only", async () => {
    path = join(parent, "a", "b");
    const dir = await open();
    expect(await modeOf(path)).toBe(0o700);
    expect(await modeOf(join(parent, "a"))).toBe(0o700);
    expect(dir).toMatchObject({ path, logPath: join(path, "log"), storePath: join(path, "store.sqlite") });
    expect(JSON.parse(await readFile(join(path, "VERSION"), "utf8"))).toEqual({ format: 2 });
    expect(await modeOf(join(path, "lock.sqlite"))).toBe(0o600);
  });

  it("keeps the rights that the operator gave it, and may hold other files", async () => {
    await mkdir(path);
    await chmod(path, 0o750);
    await mkdir(join(path, "lost+found"));
    await open();
    expect(await modeOf(path)).toBe(0o750);
  });

  it("opens again and again", async () => {
    const dir = await open();
    await dir.writeSecret("token", "secret");
    await mkdir(dir.logPath);
    await writeFile(dir.storePath, "");
    expect(await (await open()).readSecret("token")).toBe("secret");
  });

  it("refuses a file in its place or above it", async () => {
    await writeFile(path, "");
    await expect(open()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(path),
      hint: expect.stringContaining("file in its place"),
    });
    path = join(path, "below");
    await expect(open()).rejects.toMatchObject({ code: "unavailable", hint: expect.any(String) });
  });

  it.skipIf(process.getuid?.() === 0)("refuses a directory that it may not write", async () => {
    await mkdir(path, { mode: 0o500 });
    await expect(open()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/EACCES/),
      hint: expect.stringContaining("let the hub's user write there"),
    });
  });
});

describe("the format", () => {
  it.each([
    ['{"format":3}', /has format 3, this hub knows formats up to 2/],
    ['{"format":0}', /has format 0/],
    ['{"format":"1"}', /VERSION file cannot be understood/],
    ['{"format":1.5}', /VERSION file cannot be understood/],
    ["[]", /VERSION file cannot be understood/],
    ["null", /VERSION file cannot be understood/],
    ["", /VERSION file cannot be understood/],
  ])("refuses %j", async (text, message) => {
    await mkdir(path);
    await writeFile(join(path, "VERSION"), text);
    await expect(open()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
    expect(await readFile(join(path, "VERSION"), "utf8"), "left as it was").toBe(text);
  });

  it("refuses data without a format", async () => {
    const dir = await open();
    await writeFile(dir.storePath, "");
    await rm(join(path, "VERSION"));
    await expect(open()).rejects.toMatchObject({ message: expect.stringMatching(/no VERSION file/) });
  });
});

describe("secrets", () => {
  it("come back as they were written, from files that only the hub's user reads", async () => {
    const dir = await open();
    for (const text of ["s3cret", "", "größer \u{1f511}", "two\nlines", "x".repeat(100_000)]) {
      await dir.writeSecret("admin-token", text);
      expect(await dir.readSecret("admin-token")).toBe(text);
    }
    expect(await modeOf(join(path, "admin-token"))).toBe(0o600);
    expect((await readdir(path)).toSorted()).toEqual(["VERSION", "admin-token", "lock.sqlite"]);
  });

  it("are absent until they are written", async () => {
    expect(await (await open()).readSecret("admin-token")).toBeUndefined();
  });

  it("lose the line break that an editor adds", async () => {
    const dir = await open();
    await writeFile(join(path, "admin-token"), "by hand\n");
    expect(await dir.readSecret("admin-token")).toBe("by hand");
  });

  it("are private again when they replace a file that was not", async () => {
    const dir = await open();
    await writeFile(join(path, "admin-token"), "old", { mode: 0o644 });
    await dir.writeSecret("admin-token", "new");
    expect(await modeOf(join(path, "admin-token"))).toBe(0o600);
  });

  it("are whole whenever somebody looks", async () => {
    const dir = await open();
    const texts = Array.from({ length: 20 }, (_, index) => String(index % 10).repeat(50_000));
    await dir.writeSecret("token", texts[0] ?? "");
    const writes = Promise.all(texts.map((text) => dir.writeSecret("token", text)));
    for (let look = 0; look < 50; look += 1) expect(texts).toContain(await dir.readSecret("token"));
    await writes;
  });

  it.each([
    "",
    "..",
    "../x",
    "a/b",
    "VERSION",
    "lock.sqlite",
    "store.sqlite",
    "log",
    ".hidden",
    "x".repeat(64),
  ])("have no name like %j", async (name) => {
    const dir = await open();
    await expect(dir.writeSecret(name, "x")).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(dir.readSecret(name)).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("leave nothing behind that a killed writer began", async () => {
    await open();
    await writeFile(join(path, ".token.0123456789abcdef.tmp"), "half");
    await writeFile(join(path, ".keep"), "");
    await open();
    expect(await readdir(path)).not.toContain(".token.0123456789abcdef.tmp");
    expect(await readdir(path)).toContain(".keep");
  });
});
