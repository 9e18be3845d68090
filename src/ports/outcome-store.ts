export type OutcomeState = "processed" | "failed" | "expired";

/** How a message ended, where that cannot be derived from positions. */
export interface OutcomeRecord {
  readonly messageId: string;
  readonly senderId: string;
  readonly receiver: string;
  readonly state: OutcomeState;
  readonly note: string;
  readonly atUnixMs: number;
}

/** Ends of messages: few, since most states are derived. Every write is durable when it answers. */
export interface OutcomeStore {
  find(messageId: string): Promise<OutcomeRecord | undefined>;
  /** Keeps the first outcome of a message. Gives those that were new. */
  add(outcomes: readonly OutcomeRecord[]): Promise<readonly OutcomeRecord[]>;
  /** Failed and expired messages of a sender, newest message id first, before `beforeId` ("" = from the newest). */
  dead(senderId: string, beforeId: string, limit: number): Promise<readonly OutcomeRecord[]>;
  /** Failed and expired messages of all senders. */
  countDead(): Promise<number>;
  /** Forgets outcomes older than this; gives how many. */
  prune(beforeUnixMs: number): Promise<number>;
}
