import type { Clock } from "../ports/clock.ts";
import { failureFromUnknown } from "./delivery-failure.ts";
import type { FairGate } from "./fair-gate.ts";
import type { CallParties, Leave } from "./places.ts";
import { pause } from "./retry.ts";

/** Targets that failed lately, at most: anybody can name as many as it likes. */
const MOST_REMEMBERED = 10_000;

export interface TargetsOptions {
  readonly clock: Clock;
  /** Where calls take turns. */
  readonly gate: FairGate;
  /** So many failures in a row, and the target is left alone for a while. */
  readonly failures: number;
  readonly firstRestMs: number;
  readonly mostRestMs: number;
}

interface Target {
  /** Calls that run or wait for their turn. */
  calls: number;
  readonly waiting: (() => void)[];
  failures: number;
  /** Steady time; nothing is called before. */
  restUntilMs: number;
  rests: number;
  /** Whether one call tries what rested. */
  isTried: boolean;
}

/**
 * Who is called, and how hard: calls take turns at the gate, and each target has a circuit. A target that fails again and
 * again is left alone; then one call tries it, and only when that one succeeds do the others go on.
 */
export class Targets {
  readonly #options: TargetsOptions;
  readonly #targets = new Map<string, Target>();

  constructor(options: TargetsOptions) {
    this.#options = options;
  }

  /** Targets that are left alone now. */
  get resting(): number {
    const nowMs = this.#options.clock.steadyMs();
    return [...this.#targets.values()].filter(({ restUntilMs }) => restUntilMs > nowMs).length;
  }

  /**
   * Calls when it is the call's turn; rejects as the call does, and with the signal's reason when that aborts first.
   * @param isFailure of an answer that says as much as none: the server is there, and cannot
   */
  async run<T>(
    parties: CallParties,
    signal: AbortSignal,
    call: () => Promise<T>,
    isFailure: (answer: T) => boolean = () => false,
  ): Promise<T> {
    const target = this.#targetOf(parties.target);
    target.calls += 1;
    try {
      const leave = await this.#turn(target, parties, signal);
      try {
        const answer = await call();
        this.#heard(target, !isFailure(answer));
        return answer;
      } catch (thrown) {
        if (!signal.aborted) this.#heard(target, failureFromUnknown(thrown).isAnswer);
        throw thrown;
      } finally {
        leave();
      }
    } finally {
      target.calls -= 1;
      this.#forgetIdle(parties.target, target);
    }
  }

  #targetOf(key: string): Target {
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    if (this.#targets.size >= MOST_REMEMBERED) this.#forgetOne();
    const target = { calls: 0, waiting: [], failures: 0, restUntilMs: 0, rests: 0, isTried: false };
    this.#targets.set(key, target);
    return target;
  }

  /** A place at the gate while the target does not rest; what rested is tried by one call alone. */
  async #turn(target: Target, parties: CallParties, signal: AbortSignal): Promise<Leave> {
    const { clock, gate } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      const restMs = target.restUntilMs - clock.steadyMs();
      if (restMs > 0) await pause(restMs, signal);
      else if (target.isTried) await waitForWake(target, signal);
      else {
        const leave = await this.#enter(target, gate.enter(parties, signal));
        if (leave !== undefined) return leave;
      }
    }
  }

  /** Undefined when the target went to rest, or another call tries it, while this one waited at the gate. */
  async #enter(target: Target, entering: Promise<Leave>): Promise<Leave | undefined> {
    const tries = target.rests > 0;
    if (tries) target.isTried = true;
    const end = (): void => {
      if (tries) target.isTried = false;
      for (const wake of target.waiting.splice(0)) wake();
    };
    try {
      const leave = await entering;
      const isResting = target.restUntilMs > this.#options.clock.steadyMs();
      if (isResting || (!tries && target.rests > 0)) {
        leave();
        end();
        return undefined;
      }
      return () => {
        leave();
        end();
      };
    } catch (thrown) {
      end();
      throw thrown;
    }
  }

  #heard(target: Target, isThere: boolean): void {
    if (isThere) {
      target.failures = 0;
      target.rests = 0;
      return;
    }
    const { failures, firstRestMs, mostRestMs, clock } = this.#options;
    target.failures += 1;
    // It was under way when others had failed already: that is one failure, not one more.
    if (target.restUntilMs > clock.steadyMs()) return;
    if (target.failures < failures && target.rests === 0) return;
    const restMs = Math.min(mostRestMs, firstRestMs * 2 ** Math.min(target.rests, 20));
    target.restUntilMs = clock.steadyMs() + restMs;
    target.rests += 1;
  }

  /** The oldest that nobody calls now: what it failed at is as if it had not. */
  #forgetOne(): void {
    for (const [key, { calls }] of this.#targets) {
      if (calls > 0) continue;
      this.#targets.delete(key);
      return;
    }
  }

  #forgetIdle(key: string, target: Target): void {
    if (target.calls === 0 && target.failures === 0 && target.rests === 0) this.#targets.delete(key);
  }
}

function waitForWake(target: Target, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      signal.removeEventListener("abort", wake);
      resolve();
    };
    target.waiting.push(wake);
    signal.addEventListener("abort", wake, { once: true });
  });
}
