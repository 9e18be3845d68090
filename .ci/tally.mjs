// @ts-check
// node .ci/tally.mjs <vitest json report> <failed steps>   prints "N passed, N failed", exits 1 on any failure.
// Runs under any Node, since it must say how things went even when fetching Node failed.
import { existsSync, readFileSync } from "node:fs";

const [report = "", failedSteps = "0"] = process.argv.slice(2);
const counted = count(report);
// The step that ran the tests fails because of the failed tests: those are counted already.
const otherFailures = Math.max(0, Number(failedSteps) - (counted.failed > 0 ? 1 : 0));
const failed = counted.failed + otherFailures;
console.log(`${counted.passed} passed, ${failed} failed`);
process.exit(failed > 0 || counted.passed === 0 ? 1 : 0);

/**
 * A file that could not even be loaded has no tests, and counts as one failure.
 *
 * @param {string} path
 */
function count(path) {
  if (!existsSync(path)) return { passed: 0, failed: 0 };
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(path, "utf8"));
  const broken = testResults.filter(
    (/** @type {{ status: string, assertionResults: { status: string }[] }} */ file) =>
      file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  return { passed: numPassedTests, failed: numFailedTests + broken.length };
}
