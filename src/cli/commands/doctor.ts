import type { Command } from "commander";
import {
  checkContents,
  checkDirectory,
  checkRoom,
  checkSync,
  lastWriteUnixMs,
} from "../doctor/data-checks.ts";
import { type Finding, fail, ok } from "../doctor/finding.ts";
import { checkClock, checkListener, checkNode } from "../doctor/machine-checks.ts";
import { checkHub, checkPort, checkProxies, checkTls } from "../doctor/network-checks.ts";
import { EndWith } from "../end-with.ts";
import { EXIT } from "../exit-code.ts";
import { hubUrl, type Invocation, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { safeText } from "../terminal/safe-text.ts";
import type { Style } from "../terminal/terminal.ts";

const COLOURS: Readonly<Record<Finding["status"], Style>> = {
  ok: "green",
  warn: "yellow",
  fail: "red",
  skip: "dim",
};

/** `doctor`: whether a hub with these settings runs, or would run, well on this machine. */
export function addDoctorCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("doctor")
    .description("check settings, data directory, disk, ports, clock and certificates of this machine's hub")
    .action((_options: object, command: Command) => runDoctor(openInvocation(edge, command)));
}

async function runDoctor(run: Invocation): Promise<void> {
  const findings = await examine(run);
  const failed = findings.filter(({ status }) => status === "fail").length;
  const warned = findings.filter(({ status }) => status === "warn").length;
  const document = { ok: failed === 0, failed, warned, checks: findings };
  await run.terminal.result(document, () => findings.flatMap((finding) => linesOf(run, finding)));
  await run.terminal.note(failed + warned === 0 ? "all is well" : `${failed} failed, ${warned} to look at`);
  if (failed > 0) throw new EndWith(EXIT.refused);
}

/** Everything, also when something fails. */
async function examine(run: Invocation): Promise<readonly Finding[]> {
  const { ConfigError, configFromSettings } = await import("../../config.ts");
  const node = checkNode(process.version);
  try {
    const config = configFromSettings(run.settings);
    const { dataDir, host } = config;
    const hub = await checkHub(hubUrl(run));
    const isRunning = hub.status === "ok";
    const now = run.edge.nowUnixMs();
    return [
      node,
      ok("settings", "as they should be"),
      await checkDirectory(dataDir),
      await checkContents(dataDir),
      await checkRoom(dataDir),
      await checkSync(dataDir),
      checkClock(now, await lastWriteUnixMs(dataDir)),
      await checkListener(config.listener),
      await checkPort("http", { host, port: config.httpPort, isRunning }),
      await checkPort("grpc", { host, port: config.grpcPort, isRunning }),
      await checkTls(config.tls, now),
      checkProxies(config),
      hub,
    ];
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    const problems = thrown.problems.join("; ");
    return [
      node,
      fail("settings", problems, "'meshkore config list' shows all settings; the rest needs them"),
    ];
  }
}

function linesOf({ terminal }: Invocation, finding: Finding): readonly string[] {
  const status = terminal.style(COLOURS[finding.status], finding.status.padEnd(4));
  const check = finding.check.padEnd(14);
  const line = safeText(`${check}  ${finding.detail}`);
  const hint =
    finding.hint === undefined ? [] : [`      ${terminal.style("cyan", "hint:")} ${safeText(finding.hint)}`];
  return [`${status}  ${line}`, ...hint];
}
