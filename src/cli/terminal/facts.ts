import { safeJson, safeText } from "./safe-text.ts";
import type { Terminal } from "./terminal.ts";

/** `name  value` lines, aligned; facts whose value is undefined are left out. Values may be foreign text or JSON. */
export function factLines(
  terminal: Terminal,
  facts: readonly (readonly [string, unknown])[],
): readonly string[] {
  const shown = facts.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => safeText(name).length));
  return shown.map(([name, value]) => {
    const title = safeText(name);
    return `${terminal.style("dim", title)}${" ".repeat(width - title.length)}  ${factText(value)}`.trimEnd();
  });
}

function factText(value: unknown): string {
  if (typeof value === "string") return safeText(value);
  if (Array.isArray(value) && value.every((item) => typeof item === "string"))
    return safeText(value.join(", "));
  return safeJson(value);
}
