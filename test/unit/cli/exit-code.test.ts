import { expect, test } from "vitest";
import { STATUS_FROM_CODE } from "../../../adapters/rest/errors.ts";
import {
  EXIT,
  EXIT_MEANINGS,
  exitCodeFromErrorCode,
  exitCodeFromStatus,
} from "../../../src/cli/exit-code.ts";
import { ERROR_CODES } from "../../../src/model/errors.ts";
import { runCli } from "./memory-edge.ts";

test.each([
  [400, 1],
  [401, 4],
  [403, 1],
  [404, 3],
  [409, 1],
  [410, 1],
  [413, 1],
  [429, 5],
  [500, 70],
  [501, 1],
  [503, 5],
])("HTTP %i ends with %i", (status, code) => {
  expect(exitCodeFromStatus(status)).toBe(code);
});

test("an error ends the command in the same way whichever wire it came by", () => {
  for (const code of ERROR_CODES) {
    expect([code, exitCodeFromErrorCode(code)]).toEqual([code, exitCodeFromStatus(STATUS_FROM_CODE[code])]);
  }
});

test("the help documents every exit code", async () => {
  const { out, code } = await runCli(["--help"]);
  expect(code).toBe(EXIT.ok);
  for (const [exitCode, meaning] of EXIT_MEANINGS) {
    expect(out).toContain(`${String(exitCode).padEnd(4)} ${meaning}`);
  }
});
