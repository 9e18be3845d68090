import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createCredentialsFile, credentialsPath } from "../../../src/cli/identity/credentials-file.ts";

const HUB = "http://127.0.0.1:7400";
const alice = { url: HUB, agentId: "alice", apiKey: "key-of-alice" };
const bob = { url: HUB, agentId: "bob", apiKey: "key-of-bob" };

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "meshkore-credentials-"));
}

test("the file and the folder that is made for it are the owner's alone", async () => {
  const folder = join(newFolder(), "deep", "meshkore");
  const file = createCredentialsFile(join(folder, "credentials.json"));
  await file.save(alice);
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(file.isExposed()).toBe(false);
});

test("a file that others could read is the owner's alone after the next join", async () => {
  const path = join(newFolder(), "credentials.json");
  writeFileSync(path, '{"version":1,"identities":[]}', { mode: 0o644 });
  const file = createCredentialsFile(path);
  expect(file.isExposed()).toBe(true);
  await file.save(alice);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("identities stay in the order of joining, each once", async () => {
  const file = createCredentialsFile(join(newFolder(), "credentials.json"));
  expect(file.read()).toEqual([]);
  await file.save(alice);
  await file.save(bob);
  await file.save({ ...alice, apiKey: "newer" });
  expect(file.read()).toEqual([bob, { ...alice, apiKey: "newer" }]);
  await file.replaceKey({ ...bob, apiKey: "rotated" });
  expect(file.read().map(({ apiKey }) => apiKey)).toEqual(["rotated", "newer"]);
  await file.remove({ url: "http://localhost:7400", agentId: "bob" });
  expect(file.read().map(({ agentId }) => agentId)).toEqual(["alice"]);
});

test("no draft stays behind, and a symbolic link stays one", async () => {
  const folder = newFolder();
  const target = join(folder, "real.json");
  const link = join(folder, "link.json");
  writeFileSync(target, '{"version":1,"identities":[]}');
  symlinkSync(target, link);
  await createCredentialsFile(link).save(alice);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, "utf8")).toContain("key-of-alice");
  expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test.each(["not json: key-of-alice", "[]", '{"version":2,"identities":[]}', '{"version":1}'])(
  "a damaged file is neither used nor replaced, and its words are not repeated: %s",
  async (text) => {
    const path = join(newFolder(), "credentials.json");
    writeFileSync(path, text);
    const file = createCredentialsFile(path);
    await expect(file.save(bob)).rejects.toMatchObject({ exitCode: 2 });
    expect(() => file.read()).toThrow(/credentials file/);
    expect(() => file.read()).not.toThrow(/key-of-alice/);
    expect(readFileSync(path, "utf8")).toBe(text);
  },
);

test("a place that cannot be written is told before a key is made", () => {
  const folder = newFolder();
  writeFileSync(join(folder, "file"), "");
  const file = createCredentialsFile(join(folder, "file", "credentials.json"));
  expect(() => file.checkWritable()).toThrow(/cannot write/);
  expect(existsSync(file.path)).toBe(false);
});

test("where the file is", () => {
  expect(credentialsPath({ MESHKORE_CREDENTIALS: "/x/y.json" }, "/home/a")).toBe("/x/y.json");
  expect(credentialsPath({ XDG_CONFIG_HOME: "/cfg" }, "/home/a")).toBe("/cfg/meshkore/credentials.json");
  expect(credentialsPath({}, "/home/a")).toBe("/home/a/.config/meshkore/credentials.json");
});
