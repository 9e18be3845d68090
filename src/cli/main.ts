import { runCommandLine } from "./command-line.ts";
import { EXIT } from "./exit-code.ts";
import { createProcessEdge } from "./process-edge.ts";

const exitCode = await runCommandLine(process.argv.slice(2), createProcessEdge());
// The code is set, not forced, so that what is still being written to a pipe gets out; a hub that ran in this
// process may have set its own.
if (exitCode !== EXIT.ok) process.exitCode = exitCode;
