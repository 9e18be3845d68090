import type { Place } from "../support/session-wire.ts";

/** One message that a writer sent, and what its client knows of it. */
export interface SentMessage {
  /** Names writer and turn; no two messages of a run share it. */
  readonly content: string;
  readonly writer: number;
  readonly turn: number;
  /** Agent, or #channel. */
  readonly to: string;
  readonly key: string | undefined;
  /** The writer's connection over which it went first; 0 = of no account. */
  connection: number;
  /** `unknown`: the answer did not come, so both is allowed. */
  state: "unknown" | "accepted" | "refused";
  id: string;
  place: Place;
  /** Every id that an answer gave for it: a repeat under the same key must give the first. */
  readonly ids: Set<string>;
  error: string;
}

/** Everything that the writers of one round were told. Kept here, in the process that survives the kills. */
export class Ledger {
  readonly sent: SentMessage[] = [];
  /** Messages under a key that were accepted in earlier rounds. */
  readonly wrongRepeats: string[] = [];
  accepted = 0;
  refused = 0;

  start(message: Omit<SentMessage, "state" | "id" | "place" | "ids" | "error">): SentMessage {
    const sent: SentMessage = {
      ...message,
      state: "unknown",
      id: "",
      place: { epoch: 0, offset: 0 },
      ids: new Set(),
      error: "",
    };
    this.sent.push(sent);
    return sent;
  }

  /** The hub said: accepted. */
  acknowledge(message: SentMessage, id: string, place: Place): void {
    message.ids.add(id);
    if (message.state === "accepted") return;
    message.state = "accepted";
    message.id = id;
    message.place = place;
    this.accepted += 1;
  }

  /** The hub said: not accepted. What was said to be accepted before stays so. */
  refuse(message: SentMessage, error: string): void {
    if (message.state === "accepted") return;
    message.state = "refused";
    message.error = error;
    this.refused += 1;
  }
}

/** A message as it stands in an inbox. */
export interface Stored {
  readonly id: string;
  readonly content: string;
  /** Agent id, or #channel. */
  readonly to: string;
}
