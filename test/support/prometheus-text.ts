import { restCall } from "./rest-client.ts";

/** A family as Prometheus' text format shows it. */
export interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  /** With the suffix of a histogram's series. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/;

/** Reads the text format strictly. @throws when a line is none of the format, or a sample belongs to no family */
export function parsePrometheusText(text: string): readonly MetricFamily[] {
  const families = new Map<string, { name: string; type: string; help: string; samples: MetricSample[] }>();
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") families.set(name, { name, type: "", help: rest, samples: [] });
    else if (kind === "TYPE") Object.assign(families.get(name) ?? fail(line), { type: rest });
    else addSample(families, line);
  }
  return [...families.values()];
}

function addSample(families: Map<string, { type: string; samples: MetricSample[] }>, line: string): void {
  const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? fail(line);
  const ofHistogram = families.get(name.replace(/_(bucket|sum|count)$/, ""));
  const family = families.get(name) ?? (ofHistogram?.type === "histogram" ? ofHistogram : fail(line));
  const number = value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value);
  if (Number.isNaN(number) && value !== "NaN" && value !== "Nan") fail(line);
  family.samples.push({ name, labels: parseLabels(labels, line), value: number });
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ""; ) {
    const [all, name = "", value = ""] = LABEL.exec(rest) ?? fail(line);
    labels[name] = value;
    rest = rest.slice(all.length);
  }
  return labels;
}

function fail(line: string): never {
  throw new Error(`not a line of the text format: ${line}`);
}

/** What a hub says of itself. */
export class Scrape {
  readonly text: string;
  readonly families: readonly MetricFamily[];

  constructor(text: string) {
    this.text = text;
    this.families = parsePrometheusText(text);
  }

  /** The value of one series. @throws when there is none */
  readonly value = (name: string, labels: Readonly<Record<string, string>> = {}): number => {
    const isWanted = (sample: MetricSample): boolean =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value);
    for (const { samples } of this.families) {
      const found = samples.find(isWanted);
      if (found !== undefined) return found.value;
    }
    throw new Error(`no series ${name} ${JSON.stringify(labels)}`);
  };
}

export async function scrape(http: string): Promise<Scrape> {
  const answer = await restCall(http, "GET", "/metrics");
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status} ${answer.text}`);
  return new Scrape(answer.text);
}
