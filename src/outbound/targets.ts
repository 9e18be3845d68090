import type { Clock } from "../ports/clock.ts";
import { failureFromUnknown } from "./delivery-failure.ts";
import { pause } from "./retry.ts";

export interface TargetsOptions {
  readonly clock: Clock;
  /** Calls of one target at once; more wait for their turn. */
  readonly atOnce: number;
  /** So many failures in a row, and the target is left alone for a while. */
  readonly failures: number;
  readonly firstRestMs: number;
  readonly mostRestMs: number;
}

interface Target {
  running: number;
  readonly waiting: (() => void)[];
  failures: number;
  /** Steady time; nothing is called before. */
  restUntilMs: number;
  rests: number;
}

/**
 * Who is called, and how hard: a bound on calls at once for each target, and a circuit. A target that fails again and
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

  /** Calls when it is the call's turn; rejects as the call does, and with the signal's reason when that aborts first. */
  async run<T>(key: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const target = this.#targetOf(key);
    await this.#turn(target, signal);
    try {
      const answer = await call();
      this.#succeeded(target);
      return answer;
    } catch (thrown) {
      if (!signal.aborted) this.#failed(target, failureFromUnknown(thrown).isAnswer);
      throw thrown;
    } finally {
      target.running -= 1;
      for (const wake of target.waiting.splice(0)) wake();
      this.#forgetIdle(key, target);
    }
  }

  #targetOf(key: string): Target {
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    const target: Target = { running: 0, waiting: [], failures: 0, restUntilMs: 0, rests: 0 };
    this.#targets.set(key, target);
    return target;
  }

  async #turn(target: Target, signal: AbortSignal): Promise<void> {
    const { atOnce, clock } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      const restMs = target.restUntilMs - clock.steadyMs();
      // What rested is tried by one call alone.
      const most = target.rests > 0 ? 1 : atOnce;
      if (restMs <= 0 && target.running < most) break;
      if (restMs > 0) await pause(restMs, signal);
      else await waitForWake(target, signal);
    }
    target.running += 1;
  }

  #succeeded(target: Target): void {
    target.failures = 0;
    target.rests = 0;
  }

  #failed(target: Target, isAnswer: boolean): void {
    if (isAnswer) {
      this.#succeeded(target);
      return;
    }
    const { failures, firstRestMs, mostRestMs, clock } = this.#options;
    target.failures += 1;
    if (target.failures < failures && target.rests === 0) return;
    const restMs = Math.min(mostRestMs, firstRestMs * 2 ** Math.min(target.rests, 20));
    target.restUntilMs = clock.steadyMs() + restMs;
    target.rests += 1;
  }

  #forgetIdle(key: string, target: Target): void {
    const isIdle = target.running === 0 && target.waiting.length === 0;
    if (isIdle && target.failures === 0 && target.rests === 0) this.#targets.delete(key);
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
