import type { ExitCode } from "./exit-code.ts";

/** Thrown by a command that did what it should but does not end with 0, such as one that a signal ended. */
export class EndWith extends Error {
  override readonly name = "EndWith";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super(`ends with ${exitCode}`);
    this.exitCode = exitCode;
  }
}
