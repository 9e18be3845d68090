import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hubUrlFromText, inviteFromText, isSameHub } from "../../../src/cli/hub/hub-url.ts";
import { findAdminToken, ownHubUrl } from "../../../src/cli/identity/admin-token.ts";

test("an invite URL says where the hub is, also below a path", () => {
  expect(inviteFromText("https://hub.test/join/abc")).toEqual({ hubUrl: "https://hub.test", nonce: "abc" });
  expect(inviteFromText("https://hub.test/mesh/join/a%2Fb/?x=1")).toEqual({
    hubUrl: "https://hub.test/mesh",
    nonce: "a/b",
  });
  expect(inviteFromText("abc")).toEqual({ hubUrl: undefined, nonce: "abc" });
});

test.each([
  "https://hub.test/invite/abc",
  "ftp://hub.test/join/abc",
  "http://",
  "http://u:p@hub.test/join/abc",
])("%s is no invite", (text) => {
  expect(() => inviteFromText(text)).toThrow();
});

test("the names of this machine are one hub, its ports are not", () => {
  expect(isSameHub("http://localhost:7400", "http://127.0.0.1:7400")).toBe(true);
  expect(isSameHub("http://[::1]:7400", "http://127.0.0.1:7400")).toBe(true);
  expect(isSameHub("http://localhost:7400", "http://localhost:7401")).toBe(false);
  expect(isSameHub("http://hub.test", "https://hub.test")).toBe(false);
  expect(hubUrlFromText("http://hub.test:80/a/?q#f")).toBe("http://hub.test/a");
});

test("the operator's token is found as the hub finds it", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "meshkore-data-"));
  writeFileSync(join(dataDir, "admin-token"), "token-of-the-file\n");
  const local = "http://127.0.0.1:7400";
  expect(findAdminToken({ MESHKORE_DATA_DIR: dataDir }, local)).toBe("token-of-the-file");
  expect(findAdminToken({ MESHKORE_DATA_DIR: dataDir, MESHKORE_ADMIN_TOKEN: "named" }, local)).toBe("named");
  expect(findAdminToken({ MESHKORE_DATA_DIR: join(dataDir, "none") }, local)).toBeUndefined();
});

test("the token of a data directory that nobody named stays on this machine", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshkore-cwd-"));
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data", "admin-token"), "token");
  const before = process.cwd();
  process.chdir(folder);
  try {
    expect(findAdminToken({}, "http://localhost:7400")).toBe("token");
    expect(findAdminToken({}, "https://hub.test")).toBeUndefined();
    expect(findAdminToken({ MESHKORE_PUBLIC_URL: "https://hub.test" }, "https://hub.test")).toBe("token");
  } finally {
    process.chdir(before);
  }
});

test("where a hub of these settings listens", () => {
  expect(ownHubUrl({})).toBe("http://127.0.0.1:7400");
  expect(ownHubUrl({ MESHKORE_HTTP_PORT: "81" })).toBe("http://127.0.0.1:81");
  expect(ownHubUrl({ MESHKORE_TLS_CERT: "cert.pem" })).toBe("https://127.0.0.1:7400");
  expect(ownHubUrl({ MESHKORE_HOST: "0.0.0.0" })).toBe("http://127.0.0.1:7400");
  expect(ownHubUrl({ MESHKORE_HOST: "::1", MESHKORE_HTTP_PORT: "81" })).toBe("http://[::1]:81");
  expect(ownHubUrl({ MESHKORE_PUBLIC_URL: "https://hub.test/" })).toBe("https://hub.test");
});
