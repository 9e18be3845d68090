import { expect, test } from "vitest";
import { expectedOutcome } from "./expected.ts";
import { FRAMES, REST, RPC, type Rule, type Who } from "./table.ts";

const PATH = "../../../docs/authorization.md";

const MEANINGS: Readonly<Record<Who, string>> = {
  open: "whoever comes; no token is asked for, or looked at",
  open_or_admin: "the operator, and whoever shows no token at an address that the operator named",
  known: "any agent, and the operator",
  agent: "any agent, about what is its own",
  owner: "the agent or owner that it is about",
  owner_or_admin: "the agent or owner that it is about, and the operator",
  admin: "the operator",
};

const WORDS = {
  ok: "yes",
  unauthenticated: "401 unauthenticated",
  permission_denied: "403 permission_denied",
  not_found: "404 not_found",
  unimplemented: "501 unimplemented",
  invalid_argument: "400 invalid_argument",
} as const;

function tableOf(what: string, rules: Readonly<Record<string, Rule>>): string {
  const head = [
    what,
    "who may",
    "no token",
    "wrong, expired, revoked",
    "another agent",
    "the agent itself",
    "operator",
  ];
  const rows = Object.entries(rules).map(([name, rule]) => [
    `\`${name}\``,
    MEANINGS[rule.who],
    ...(["none", "revoked", "other", "owner", "admin"] as const).map(
      (caller) => WORDS[expectedOutcome(rule, caller)],
    ),
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  const rule = widths.map((width) => "-".repeat(width));
  const lines = [head, rule, ...rows].map(
    (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  return `${lines.join("\n")}\n`;
}

/** As it stands in proto: methods begin with a capital. */
function methodsOf(service: string, rules: Readonly<Record<string, Rule>>): Readonly<Record<string, Rule>> {
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [
      `${service}.${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      rule,
    ]),
  );
}

function text(): string {
  const rpcs = Object.entries(RPC).map(([service, rules]) => methodsOf(service, rules));
  return `# Who may call what

<!-- Made from test/integration/authorization/table.ts by its tests, which call every row as everybody over the wire,
compare, and look whether anything leaked or changed. Change the table, then: npm test -- authorization -u -->

Who a caller is: [security.md](security.md). A token that is wrong, expired or revoked, or whose agent is gone, is
answered alike: it does not say which. \`404\` for another agent means that what is asked for is as if it were not there.

## REST

${tableOf("call", REST)}
## gRPC, Connect, gRPC-Web

The numbers are those of REST; each wire says the same code in its own status.

${tableOf("method", Object.assign({}, ...rpcs))}
## Frames of a session

WebSocket and \`RelayService.Session\`. Whoever is refused is told so in a frame, and the session ends with 4401.

${tableOf("field", FRAMES)}`;
}

test("the document says what the table says", async () => {
  await expect(text()).toMatchFileSnapshot(PATH);
});
