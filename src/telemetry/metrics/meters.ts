import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { CATALOGUE, type Label, type MetricEntry, type MetricName } from "./catalogue.ts";

/** One series of a metric: its labels and its value. */
export interface Sample {
  readonly labels: Readonly<Partial<Record<Label, string>>>;
  readonly value: number;
}

/** Makes the metrics of the catalogue in one registry. */
export interface Meters {
  /** A counter or gauge that is read when somebody asks, from a number kept elsewhere; undefined = not known now. */
  reading(name: MetricName, read: () => number | undefined): void;
  /** The same for all series of a metric with labels. */
  readings(name: MetricName, read: () => Iterable<Sample>): void;
  counter(name: MetricName): Counter<Label>;
  histogram(name: MetricName): Histogram<Label>;
  /** Names of the catalogue that nobody made yet. */
  missing(): readonly string[];
}

export function createMeters(registry: Registry): Meters {
  const made = new Set<string>();
  const entry = (name: MetricName): MetricEntry => {
    made.add(name);
    return CATALOGUE[name];
  };
  const settings = (name: MetricName) => {
    const { help, labels } = entry(name);
    return { name, help, labelNames: [...labels], registers: [registry] };
  };

  function readings(name: MetricName, read: () => Iterable<Sample>): void {
    if (CATALOGUE[name].type === "counter") {
      new Counter({
        ...settings(name),
        collect() {
          this.reset();
          for (const { labels, value } of read()) this.inc(labels, value);
        },
      });
    } else {
      new Gauge({
        ...settings(name),
        collect() {
          this.reset();
          for (const { labels, value } of read()) this.set(labels, value);
        },
      });
    }
  }

  return {
    reading: (name, read) =>
      readings(name, () => {
        const value = read();
        return value === undefined ? [] : [{ labels: {}, value }];
      }),
    readings,
    counter: (name) => new Counter(settings(name)),
    histogram: (name) => new Histogram({ ...settings(name), buckets: [...(entry(name).buckets ?? [])] }),
    missing: () => Object.keys(CATALOGUE).filter((name) => !made.has(name)),
  };
}
