import { until } from "../support/until.ts";
import type { Door } from "./door.ts";
import type { Input, Wire } from "./input.ts";
import { hexOf } from "./input.ts";
import { HonestPair } from "./oracle/honest-pair.ts";
import { answerKind, faultOf } from "./oracle/judge.ts";
import { openFiles, type Vitals, vitalsOf } from "./oracle/vitals.ts";
import { doorOf, type Environment, type Target, withTarget } from "./target.ts";
import { throwInput } from "./throw-input.ts";

const AT_ONCE = 48;
const BATCH = 500;
const HEALTH_MS = 10_000;
const RELEASE_MS = 60_000;
const SPARE_FILES = 5;
const MOST_FINDINGS = 20;

export interface CampaignOptions {
  readonly wires: readonly Wire[];
  readonly seed: number;
  readonly inputs: number;
  /** After each, what the hub holds is looked at; the first is the warm-up. */
  readonly rounds: number;
  readonly env?: Environment;
  /** Everything goes through TLS. */
  readonly isTls?: boolean;
  readonly onProgress: (line: string) => void;
}

export interface CampaignResult {
  readonly thrown: number;
  /** Every one with the input and how to repeat it. */
  readonly findings: readonly string[];
  /** Before the first round, then after each. */
  readonly vitals: readonly Vitals[];
  readonly honestMessages: number;
  readonly slowestHealthMs: number;
  /** How many inputs of each wire were answered how: what is refused at the door never gets to what lies behind it. */
  readonly answers: ReadonlyMap<string, number>;
}

/** Throws inputs at every wire of one hub while honest agents talk, and says what came of it. */
export function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  return withTarget(options, (target) => new Campaign(options, target).run());
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #target: Target;
  readonly #findings: string[] = [];
  readonly #vitals: Vitals[] = [];
  readonly #pid: number;
  readonly #answers = new Map<string, number>();
  #thrown = 0;
  #slowestHealthMs = 0;

  constructor(options: CampaignOptions, target: Target) {
    this.#options = options;
    this.#target = target;
    this.#pid = target.hub.pid;
  }

  async run(): Promise<CampaignResult> {
    const honest = await HonestPair.open(this.#target);
    await honest.roundTrip();
    this.#vitals.push(await vitalsOf(this.#target.hub));
    const filesAtRest = openFiles(this.#pid);
    for (let round = 0; round < this.#options.rounds && !this.#hasEnough; round++) {
      for (const wire of this.#options.wires) await this.#attack(wire, round, honest);
      await this.#lookForLeaks(round, filesAtRest);
    }
    this.#report(...(await honest.settle()));
    this.#report(...faultsOfLog(this.#target.hub.log()));
    return {
      thrown: this.#thrown,
      findings: this.#findings,
      vitals: this.#vitals,
      honestMessages: honest.acknowledged,
      slowestHealthMs: this.#slowestHealthMs,
      answers: this.#answers,
    };
  }

  /** At once, since a long run may be ended before its summary. */
  #report(...findings: readonly string[]): void {
    this.#findings.push(...findings);
    for (const finding of findings) this.#options.onProgress(`FINDING ${finding}`);
  }

  get #hasEnough(): boolean {
    return this.#findings.length >= MOST_FINDINGS;
  }

  async #attack(wire: Wire, round: number, honest: HonestPair): Promise<void> {
    const { wires, inputs, rounds, seed } = this.#options;
    const door = doorOf(wire, this.#target);
    if (door === undefined) return;
    const handMade = wire.handMade(this.#target.context);
    const count = Math.ceil(inputs / rounds / wires.length);
    const least = Math.min(count, Math.ceil(count / 4));
    // In a short run a part of the hand-made ones each round, so that all wires get both kinds.
    const chosen = handMade.filter(
      (_, at) => (at + round) % Math.ceil(handMade.length / (count - least)) === 0,
    );
    const generated = wire.generated(
      this.#target.context,
      seed + round,
      count - Math.min(chosen.length, count - least),
    );
    const all = [...chosen, ...generated];
    for (let from = 0; from < all.length && !this.#hasEnough; from += BATCH) {
      await this.#throwBatch(wire, door, all.slice(from, from + BATCH));
      await this.#checkHealth(
        `${wire.name}, round ${round + 1}, inputs ${from + 1} to ${from + BATCH}`,
        honest,
      );
    }
    this.#options.onProgress(
      `round ${round + 1}: ${wire.name}: ${all.length} inputs, ${this.#findings.length} findings`,
    );
  }

  async #throwBatch(wire: Wire, door: Door, inputs: readonly Input[]): Promise<void> {
    const queue = inputs.values();
    const worker = async (): Promise<void> => {
      for (const input of queue) {
        const observed = await throwInput(door, input, this.#target.secrets);
        const fault = faultOf(input, observed);
        this.#thrown += 1;
        const kind = `${wire.name} ${answerKind(observed)}`;
        this.#answers.set(kind, (this.#answers.get(kind) ?? 0) + 1);
        if (fault !== undefined && !this.#hasEnough)
          this.#report(describe(wire, input, fault, this.#target.isTls));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  async #checkHealth(where: string, honest: HonestPair): Promise<void> {
    try {
      if (this.#target.hub.pid !== this.#pid) throw new Error("it is another process");
      const fromMs = performance.now();
      const { status } = await this.#target.hub.call("GET", "/healthz", {
        signal: AbortSignal.timeout(HEALTH_MS),
      });
      this.#slowestHealthMs = Math.max(this.#slowestHealthMs, performance.now() - fromMs);
      if (status !== 200) throw new Error(`/healthz answered ${status}`);
      await honest.roundTrip();
    } catch (thrown) {
      this.#report(`after ${where}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }

  async #lookForLeaks(round: number, filesAtRest: number): Promise<void> {
    const { hub } = this.#target;
    const isReleased = (): boolean => openFiles(this.#pid) <= filesAtRest + SPARE_FILES;
    await until("connections of the round gone", isReleased, RELEASE_MS).catch(() => {
      this.#report(`round ${round + 1}: ${openFiles(this.#pid)} files are open, ${filesAtRest} were before`);
    });
    const vitals = await vitalsOf(hub);
    this.#vitals.push(vitals);
    this.#options.onProgress(`round ${round + 1}: ${showVitals(vitals)}`);
  }
}

export function showVitals({ files, residentBytes, heapBytes, bufferBytes }: Vitals): string {
  const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;
  return `resident ${mib(residentBytes)}, heap ${mib(heapBytes)}, buffers ${mib(bufferBytes)}, ${files} files`;
}

function describe(wire: Wire, input: Input, fault: string, isTls: boolean): string {
  const tls = isTls ? "--tls " : "";
  return `${wire.name}: ${input.label}: ${fault}\n    repeat: npm run fuzz -- ${tls}--replay ${wire.name}:${hexOf(input)}`;
}

/** Lines that a hub under attack has no reason to write. */
function faultsOfLog(log: string): readonly string[] {
  const isWrong = (line: string): boolean =>
    /"level":"(error|fatal)"|[Uu]nhandled|[Uu]ncaught|MaxListeners|(Deprecation|Experimental)Warning/.test(
      line,
    );
  return log
    .split("\n")
    .filter(isWrong)
    .slice(0, 5)
    .map((line) => `the hub logged ${line.slice(0, 600)}`);
}
