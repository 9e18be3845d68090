import { expect, test } from "vitest";
import { ADMIN_TOKEN, withHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { createMemoryEdge, runCli } from "../../unit/cli/memory-edge.ts";

test("top shows what goes on: once for scripts, and live until it is interrupted", () =>
  withHub({}, async (hub) => {
    const [alice] = [await hub.join("alice"), await hub.join("bob")];
    for (let n = 0; n < 3; n++)
      await alice.post("/send", { to: "bob", payload: "x".repeat(500), receipts: false });
    await alice.post("/send", { to: "nobody", payload: 1 });
    const env = { MESHKORE_URL: hub.http, MESHKORE_ADMIN_TOKEN: ADMIN_TOKEN };
    const once = await runCli(["--json", "top", "--once"], createMemoryEdge({ env }));
    expect(once.code, once.err).toBe(0);
    expect(JSON.parse(once.out)).toMatchObject({
      total: { accepted: 3, refused: 1, delivered: 0 },
      per_second: { accepted: 0 },
      agents_online: 2,
      inboxes: [{ agent_id: "bob", unread: 3, online: true }],
      resident_bytes: expect.any(Number),
      cpu_percent: expect.any(Number),
      loop_delay_ms: expect.any(Number),
    });
    const plain = await runCli(["top", "--once"], createMemoryEdge({ env }));
    expect(plain.out).toMatch(/^meshkore top {2}http/);
    expect(plain.out).toMatch(/bob +3 +1\.\d KiB/);

    const edge = createMemoryEdge({ env, isTty: true });
    const live = runCli(["top"], edge);
    await until("two pictures", () => edge.out().split("meshkore top").length > 2);
    edge.interrupt("SIGINT");
    const { code, out } = await live;
    expect(code).toBe(130);
    expect(out.startsWith("\u001b[?1049h\u001b[?25l"), "on the other screen").toBe(true);
    expect(out.endsWith("\u001b[?25h\u001b[?1049l"), "and back").toBe(true);
  }));

test("top is for the operator", () =>
  withHub({}, async (hub) => {
    const agent = await hub.join("alice");
    const env = { MESHKORE_URL: hub.http, MESHKORE_ADMIN_TOKEN: agent.token };
    const { code, err } = await runCli(["top", "--once"], createMemoryEdge({ env }));
    expect([code, err]).toEqual([1, expect.stringContaining("only the operator may do this")]);
  }));
