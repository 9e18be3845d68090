/** What a lane tells; numbers count from 0 and are the sender's own. */
export type LaneEvents = {
  /** The server answered that message `seq` is accepted. */
  accepted(seq: number): void;
  /** Message `seq` reached the receiver; -1 when its bytes are not what was sent. */
  delivered(seq: number): void;
  /** All that came in at once has been told: the moment to acknowledge and to send on. */
  turn(): void;
  /** Something is wrong; the run goes on, and the figure does not count. */
  fault(text: string): void;
  failed(error: Error): void;
};

/** One sender and, unless only acceptance is measured, its one receiver. */
export type Lane = {
  queue(seq: number): void;
  /** Queues acknowledgements of everything delivered since the last call. */
  acknowledge(): void;
  /** Everything queued leaves, in one write per connection. */
  flush(): void;
  /** Answers when the server confirmed the acknowledgement of the last delivery. */
  finish(): Promise<void>;
  /** Compares with what the server says it holds; after the measurement. */
  verify(sent: number): Promise<void>;
  close(): void;
};
