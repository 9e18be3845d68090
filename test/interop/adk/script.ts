import { obedient } from "../../integration/a2a/stage.ts";
import { QUESTION } from "../../support/a2a-remote.ts";
import type { Script, Turn } from "../../support/task-worker.ts";

/** What is held until a test lets it go on. */
export class Gate {
  #opened = Promise.withResolvers<void>();
  /** Called with every release. */
  onRelease: () => void = () => undefined;

  hold(): Promise<void> {
    return this.#opened.promise;
  }

  /** Lets go on who waits; who comes later waits again. */
  release(): void {
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
    this.onRelease();
  }
}

/** A worker that does what the text says, and asks and is answered as ADK's agents do: by calls of functions. */
export function createScript(gate: Gate, turns: Turn[]): Script {
  return async (work) => {
    const { turn, update } = work;
    turns.push(turn);
    const [first, ...rest] = turn.parts;
    const answer = Object(first?.["data"]).response;
    if (answer !== undefined) return update({ payload: `got ${answer.color}`, status: "completed" });
    switch (first?.["text"]) {
      case "file":
        return update({ parts: rest, status: "completed" });
      case "form":
        return update({ parts: QUESTION, status: "input_required" });
      case "unmarked":
        await update({ payload: "no end", artifact: { artifact_id: "a1" } });
        return update({ status: "completed" });
      case "hold":
        await update({ payload: "holding", status: "working" });
        await update({ payload: "half ", artifact: { artifact_id: "a1" } });
        await gate.hold();
        await update({ payload: "whole", artifact: { artifact_id: "a1", append: true, last_chunk: true } });
        return update({ status: "completed" });
      default:
        return obedient(work);
    }
  };
}
