// @ts-check
// Licences of everything that a hub in production loads: read from what is installed, and from the lockfile for
// builds of other platforms. Offline.
import { existsSync, readFileSync } from "node:fs";

/** @typedef {{ license?: string, dev?: boolean, devOptional?: boolean, optionalDependencies?: Record<string, string> }} Entry */

/** May be shipped with an Apache-2.0 work without asking anybody. A new one is a decision. */
const ALLOWED = new Set([
  "Apache-2.0",
  "MIT",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "BlueOak-1.0.0",
]);

/** Every production dependency has a licence of the list. */
export function checkLicences() {
  /** @type {{ packages: Record<string, Entry> }} */
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const shipped = Object.keys(packages).filter((path) => path !== "" && !isForDevelopment(packages[path]));
  const refused = shipped
    .map((path) => ({ path, licence: licenceOf(path, packages) }))
    .filter(({ licence }) => !isAllowed(licence));
  for (const { path, licence } of refused) {
    console.error(`error: ${path} has the licence ${licence ?? "of nobody knows"}, which is not on the list`);
  }
  return refused.length === 0;
}

/** @param {Entry | undefined} entry */
function isForDevelopment(entry) {
  return entry?.dev === true || entry?.devOptional === true;
}

/**
 * A build of another platform is not installed, and its licence is that of the package that has it built.
 *
 * @param {string} path
 * @param {Record<string, Entry>} packages
 * @returns {string | undefined}
 */
function licenceOf(path, packages) {
  const manifest = `${path}/package.json`;
  if (existsSync(manifest)) return JSON.parse(readFileSync(manifest, "utf8")).license;
  if (packages[path]?.license !== undefined) return packages[path].license;
  const name = path.replace(/^.*node_modules\//, "");
  const owner = Object.keys(packages).find(
    (other) => packages[other]?.optionalDependencies?.[name] !== undefined,
  );
  return owner === undefined || owner === "" ? undefined : licenceOf(owner, packages);
}

/**
 * An expression is allowed when a choice in it is, and everything that it demands together.
 *
 * @param {string | undefined} expression
 */
export function isAllowed(expression) {
  if (typeof expression !== "string") return false;
  const plain = expression.replaceAll(/[()]/g, "");
  return plain
    .split(" OR ")
    .some((choice) => choice.split(" AND ").every((name) => ALLOWED.has(name.trim())));
}
