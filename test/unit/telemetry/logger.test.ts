import { expect, it } from "vitest";
import { MeshError } from "../../../src/model/errors.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";

const API_KEY = `mk_${"k".repeat(43)}`;
const ADMIN_TOKEN = `mka_${"a".repeat(43)}`;
const JWT = `eyJ${"h".repeat(20)}.eyJ${"c".repeat(40)}.${"s".repeat(43)}`;

function keptLogger() {
  const lines: string[] = [];
  const logger = createLogger("debug", { write: (line) => void lines.push(line) });
  return { logger, lines };
}

it("cuts out fields that are named as secrets, whatever they hold", () => {
  const { logger, lines } = keptLogger();
  const secret = "a-value-that-looks-like-nothing";
  const names = [
    "token",
    "apiKey",
    "api_key",
    "authorization",
    "secret",
    "payload",
    "adminToken",
    "nonce",
    "ticket",
  ];
  for (const name of names) {
    logger.info("thing.done", { [name]: secret, kept: 1 });
    logger.debug("thing.done", { request: { [name]: { inner: secret } }, kept: 1 });
  }
  expect(lines).toHaveLength(2 * names.length);
  for (const line of lines) {
    expect(line).not.toContain(secret);
    expect(JSON.parse(line)).toMatchObject({ event: "thing.done", kept: 1 });
  }
});

it("cuts credentials out of whatever quotes them: messages, stacks, causes, hints, lists", () => {
  const { logger, lines } = keptLogger();
  const cause = new SyntaxError(`Unexpected token in JSON: {"api_key":"${API_KEY}"`, {
    cause: new Error(JWT),
  });
  logger.error("request.failed", {
    error: new MeshError("internal", `Bearer ${JWT}`, { hint: ADMIN_TOKEN, cause }),
  });
  logger.warn("request.failed", { reason: `at ${API_KEY} (file:1:1)`, all: [{ deep: [JWT, ADMIN_TOKEN] }] });
  const text = lines.join("");
  expect(text).toContain("Unexpected token in JSON");
  for (const secret of [API_KEY, JWT, ADMIN_TOKEN]) expect(text).not.toContain(secret);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ event: "request.failed" });
});

it("leaves alone what only begins like a credential", () => {
  const { logger, lines } = keptLogger();
  logger.info("thing.done", { note: "mk_short eyJhbGciOi.x.y mka_" });
  expect(lines[0]).toContain("mk_short eyJhbGciOi.x.y mka_");
});
