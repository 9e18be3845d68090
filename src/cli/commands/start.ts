import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import { openInvocation } from "../invocation.ts";
import { wholeNumber } from "../option-value.ts";
import type { ProcessEdge } from "../process-edge.ts";

interface StartOptions {
  readonly host?: string;
  readonly port?: number;
  readonly grpcPort?: number;
}

/** `start`: the hub, in this process, until a signal ends it. */
export function addStartCommand(program: Command, edge: ProcessEdge): void {
  const port = wholeNumber(0, 65_535);
  program
    .command("start")
    .description("run a hub in the foreground; Ctrl-C drains and ends it")
    .option("--host <address>", "address to listen on (MESHKORE_HOST)")
    .option("--port <port>", "HTTP and WebSocket port, 0 = any free one (MESHKORE_HTTP_PORT)", port)
    .option("--grpc-port <port>", "gRPC port, 0 = any free one (MESHKORE_GRPC_PORT)", port)
    .action(async (options: StartOptions, command: Command) => {
      const run = openInvocation(edge, command);
      if (run.terminal.isJson) {
        throw usageError("'start' takes no --json", "its ready line on stdout is JSON as it is");
      }
      const settings: readonly (readonly [string, string | undefined])[] = [
        ["MESHKORE_HOST", options.host],
        ["MESHKORE_HTTP_PORT", options.port?.toString()],
        ["MESHKORE_GRPC_PORT", options.grpcPort?.toString()],
        ["MESHKORE_DATA_DIR", run.options.dataDir],
        ["MESHKORE_CONFIG", run.options.config],
      ];
      for (const [name, value] of settings) {
        if (value !== undefined) edge.setEnv(name, value);
      }
      await runHubHere();
    });
}

/** @throws CliError usage for wrong settings; else with the hub's own words, such as for a port that is taken */
async function runHubHere(): Promise<void> {
  // Only here: no other command loads the hub.
  const { ConfigError } = await import("../../config.ts");
  const { runHub } = await import("../../main.ts");
  try {
    await runHub();
  } catch (thrown) {
    if (thrown instanceof ConfigError) {
      throw usageError(
        `wrong settings: ${thrown.problems.join("; ")}`,
        "'meshkore config list' shows all settings",
      );
    }
    throw thrown;
  }
}
