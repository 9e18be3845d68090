/** What a fan-out tells; members and messages count from 0. */
export type FanoutEvents = {
  /** Message `seq` reached a member; -1 when its bytes are not what was sent. */
  delivered(member: number, seq: number): void;
  accepted(seq: number): void;
  fault(text: string): void;
  failed(error: Error): void;
};

/** One sender and its members. */
export type Fanout = {
  send(seq: number): void;
  /** Every member acknowledges all that it has, once; answers when that is confirmed. */
  acknowledge(): Promise<void>;
  close(): void;
};
