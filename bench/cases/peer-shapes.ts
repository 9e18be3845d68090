import {
  type BenchCase,
  CLIENT_CPU,
  OTHERS_CPU,
  P50,
  P99,
  RATE,
  type RunContext,
  SERVER_CPU,
} from "../case.ts";
import type { JetStreamShape } from "../load/spec.ts";
import { jetStreamWindow, type WindowShape } from "./window-subjects.ts";

const SHAPES: JetStreamShape[] = (["per-lane", "one"] as const).flatMap((streams) =>
  (["pull", "push"] as const).flatMap((deliver) =>
    (["all", "explicit"] as const).map((ackPolicy) => ({ streams, deliver, ackPolicy })),
  ),
);

export const peerShapes: BenchCase = {
  name: "peer-shapes",
  title: "which use of JetStream is the fastest",
  notes: [
    "The load of `ws-256` on JetStream alone: one stream or a stream per sender, pull or push consumers, acknowledgement of each message or of all up to one. The fastest is the peer of the other cases.",
  ],
  metrics: [RATE, P50, P99, SERVER_CPU, CLIENT_CPU, OTHERS_CPU],
  subjects: SHAPES.map((jetStream) => jetStreamWindow(nameOf(jetStream), jetStream, shape)),
  ratios: [],
};

function nameOf({ streams, deliver, ackPolicy }: JetStreamShape): string {
  return `${streams === "one" ? "one stream" : "stream per sender"}, ${deliver}, ack ${ackPolicy}`;
}

function shape({ quick }: RunContext): WindowShape {
  const warmUp = quick ? 1000 : 2000;
  return { lanes: 8, window: 32, payloadBytes: 512, warmUp, count: quick ? 3000 : 10_000, maxMs: 20_000 };
}
