// @ts-check
// node .ci/tally.mjs <step=vitest json report ...> [failed step ...]   names what failed, prints "N passed, N failed",
// exits 1 on any failure. Runs under any Node, since it must say how things went even when fetching Node failed.
import { existsSync, readFileSync } from "node:fs";

/** @typedef {{ status: string, fullName: string, failureMessages: string[] }} Test */
/** @typedef {{ status: string, name: string, message: string, assertionResults: Test[] }} File */

/** Of a failure's message: enough to know it by, not so much that it hides the others. */
const MESSAGE_LINES = 12;

const args = process.argv.slice(2);
const reports = new Map(args.filter((arg) => arg.includes("=")).map(readStep));
const results = [...reports.values()];
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failures = results.flatMap((result) => result.failures);
// A step that ran tests fails because of the failed tests: those are counted already.
const otherSteps = args.filter((arg) => !arg.includes("=") && !reports.get(arg)?.failures.length);

for (const { name, message } of failures) {
  console.log(`FAILED ${name}\n${message.split("\n").slice(0, MESSAGE_LINES).join("\n")}\n`);
}
for (const step of otherSteps) console.log(`FAILED step: ${step} (its output is above)`);
const failed = failures.length + otherSteps.length;
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

/**
 * @param {string} arg
 * @returns {[string, ReturnType<typeof readReport>]}
 */
function readStep(arg) {
  const [step = "", path = ""] = arg.split("=");
  return [step, readReport(path)];
}

/**
 * A file that could not even be loaded has no tests, and counts as one failure.
 *
 * @param {string} path
 * @returns {{ passed: number, failures: { name: string, message: string }[] }}
 */
function readReport(path) {
  if (!existsSync(path)) return { passed: 0, failures: [] };
  const { numPassedTests, testResults } = JSON.parse(readFileSync(path, "utf8"));
  return { passed: numPassedTests, failures: testResults.flatMap(failuresOf) };
}

/** @param {File} file */
function failuresOf(file) {
  const failed = file.assertionResults.filter((test) => test.status === "failed");
  if (failed.length > 0) {
    return failed.map((test) => ({
      name: `${file.name}: ${test.fullName}`,
      message: test.failureMessages.join("\n"),
    }));
  }
  return file.status === "failed" ? [{ name: file.name, message: file.message }] : [];
}
