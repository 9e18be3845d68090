import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHub, type TestHub } from "../../support/hub.ts";
import { type Scrape, scrape } from "../../support/prometheus-text.ts";
import { metricsOfPromql } from "../../support/promql.ts";

const DEPLOY = fileURLToPath(new URL("../../../deploy/", import.meta.url));
const ALERTS = `${DEPLOY}prometheus/alerts.yaml`;
/** Prometheus adds these to what it scrapes. */
const OF_PROMETHEUS = ["up"];
/** How a panel names the data source that was chosen. */
const CHOSEN = "$".concat("{datasource}");
const SERIES_OF_HISTOGRAM = /_(bucket|sum|count)$/;
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

interface Board {
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly panels: readonly Panel[];
}

const board = JSON.parse(readFileSync(`${DEPLOY}grafana/meshkore.json`, "utf8")) as Board;
const boardExpressions = [
  ...board.panels.flatMap(({ targets }) => targets ?? []),
  ...board.annotations.list,
].map(({ expr }) => expr);

/** The rules' expressions: of one line, or folded over several. */
function alertExpressions(): string[] {
  const text = readFileSync(ALERTS, "utf8");
  return [...text.matchAll(/^ +expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/gm)].map(
    ([, folded, plain]) => folded?.replaceAll(/\s+/g, " ").trim() ?? plain ?? "",
  );
}

describe("what is deployed beside a hub", () => {
  let hub: TestHub;
  let seen: Scrape;

  beforeAll(async () => {
    hub = await startHub();
    seen = await scrape(hub.http);
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  it.each([
    ["the board", boardExpressions, 30],
    ["the alerts", alertExpressions(), 12],
  ])("%s uses only metrics that a hub has", (_, expressions, atLeast) => {
    expect(expressions.length).toBeGreaterThanOrEqual(atLeast);
    const known = new Map(seen.families.map(({ name, type }) => [name, type]));
    for (const metric of expressions.flatMap(metricsOfPromql)) {
      if (OF_PROMETHEUS.includes(metric)) continue;
      const ofHistogram = known.get(metric.replace(SERIES_OF_HISTOGRAM, "")) === "histogram";
      expect([metric, known.has(metric) || ofHistogram]).toEqual([metric, true]);
    }
  });

  it("the board shows every metric of the hub", () => {
    const shown = new Set(
      boardExpressions.flatMap(metricsOfPromql).map((name) => name.replace(SERIES_OF_HISTOGRAM, "")),
    );
    const own = seen.families.map(({ name }) => name).filter((name) => name.startsWith("mesh_"));
    const hidden = own.filter((name) => !shown.has(name));
    // The first is in the choice of instances, the others say twice what the board shows.
    expect(hidden.sort()).toEqual([
      "mesh_build_info",
      "mesh_hub_ready",
      "mesh_log_commit_bytes_total",
      "mesh_log_queue_bytes",
    ]);
  });

  it("the board can be imported anywhere: its data source is a choice, and its panels do not overlap", () => {
    expect(board.templating.list.map(({ name, type }) => `${name}:${type}`)).toEqual([
      "datasource:datasource",
      "job:query",
      "instance:query",
    ]);
    const panels = board.panels.filter(({ type }) => type !== "row");
    for (const { title, datasource, targets, description } of panels) {
      expect([title, datasource?.uid]).toEqual([title, CHOSEN]);
      for (const target of targets ?? []) expect(target.datasource.uid).toBe(CHOSEN);
      expect(description).toBeTruthy();
    }
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
    for (const [index, one] of board.panels.entries()) {
      for (const other of board.panels.slice(index + 1))
        expect([one.title, other.title, overlap(one, other)]).toContain(false);
    }
  });

  it.skipIf(!hasPromtool)(
    "promtool finds nothing wrong in rules, configuration and expressions (skipped without promtool)",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "meshkore-promtool-"));
      try {
        const rules = boardExpressions.map((expr, index) => ({
          record: `board:expression:${index}`,
          expr: expr.replaceAll("$__rate_interval", "5m"),
        }));
        const file = join(folder, "board.json");
        // Some of the process have names that it frowns at.
        const own = seen.text.replace(/^(# \w+ )?nodejs_.*\n/gm, "");
        await writeFile(file, JSON.stringify({ groups: [{ name: "board", rules }] }));
        execFileSync("promtool", ["check", "rules", ALERTS, file], { stdio: "pipe" });
        execFileSync("promtool", ["check", "config", `${DEPLOY}prometheus/prometheus.yaml`], {
          stdio: "pipe",
        });
        execFileSync("promtool", ["check", "metrics"], { input: own, stdio: ["pipe", "pipe", "pipe"] });
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );
});

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
