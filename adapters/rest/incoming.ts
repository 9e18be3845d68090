import type { Call, HttpRequest } from "../../src/adapter-kit.ts";

/** One request whose caller is known. */
export interface Incoming {
  readonly call: Call;
  readonly request: HttpRequest;
  /** Path parameters, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** The parameter of a path that the operation's own pattern names. */
export function param(incoming: Incoming, name: string): string {
  const value = incoming.params[name];
  if (value === undefined) throw new Error(`the route has no parameter :${name}`);
  return value;
}
