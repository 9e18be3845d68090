import { MeshError } from "../model/errors.ts";
import { hubIsStopping } from "../model/hub-stopping.ts";
import type { CloseReason } from "../ports/sink.ts";

/** What a sink holds until its reader pulls it. One reader at a time. */
export class PulledQueue<Item> {
  #held: readonly Item[] = [];
  #wakeReader: (() => void) | undefined;
  /** How it ended: undefined = it goes on. */
  #end: { readonly error: MeshError | undefined } | undefined;

  get held(): readonly Item[] {
    return this.#held;
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** Whether the reader waits for something now. */
  get isAwaited(): boolean {
    return this.#wakeReader !== undefined;
  }

  add(items: readonly Item[]): void {
    this.#held = this.#held.length === 0 ? items : [...this.#held, ...items];
    this.#wake();
  }

  /** The first so many. */
  take(count: number): readonly Item[] {
    const taken = this.#held.slice(0, count);
    this.#held = this.#held.slice(count);
    return taken;
  }

  /** Nothing comes any more; what is held is still handed out, and then the error, if there is one. Only the first counts. */
  end(error?: MeshError): void {
    this.#end ??= { error };
    this.#wake();
  }

  /** Forgets what is held: its reader is not to have it. */
  drop(): void {
    this.#held = [];
  }

  /** True when something is held, false at the end. @throws MeshError the one that it ended with */
  async untilHeld(): Promise<boolean> {
    while (this.#held.length === 0) {
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end !== undefined) return false;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    return true;
  }

  #wake(): void {
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
  }
}

/**
 * What a puller is told when what it pulled from was closed; undefined = its end is no error. Up to a gap or the hub's
 * stop all is well (`keepsHeld`); whose credential ended gets nothing more.
 */
export function endFromReason(
  reason: CloseReason | undefined,
  { gap, again, what }: { readonly gap: MeshError; readonly again: string; readonly what: string },
): { readonly error: MeshError | undefined; readonly keepsHeld: boolean } {
  if (reason === "gap") return { error: gap, keepsHeld: true };
  if (reason === "draining") return { error: hubIsStopping(again), keepsHeld: true };
  if (reason === undefined || reason === "closed") return { error: undefined, keepsHeld: false };
  const error = new MeshError("unauthenticated", `${what} ended: ${reason}`, {
    hint: "call again with a valid token",
  });
  return { error, keepsHeld: false };
}
