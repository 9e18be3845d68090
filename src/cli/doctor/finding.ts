/** What one look found. `skip`: there was nothing to look at. */
export interface Finding {
  readonly check: string;
  readonly status: "ok" | "warn" | "fail" | "skip";
  /** What was found. */
  readonly detail: string;
  /** What to do about it. */
  readonly hint?: string;
}

export function ok(check: string, detail: string): Finding {
  return { check, status: "ok", detail };
}

export function skip(check: string, detail: string): Finding {
  return { check, status: "skip", detail };
}

export function warn(check: string, detail: string, hint: string): Finding {
  return { check, status: "warn", detail, hint };
}

export function fail(check: string, detail: string, hint: string): Finding {
  return { check, status: "fail", detail, hint };
}

export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
