import { MeshError } from "./errors.ts";

/**
 * A place in one stream. Epochs start at 1 and change when the store lost the stream's past;
 * offsets are dense and start at 1. Offset 0 stands before the first record.
 */
export interface Position {
  readonly epoch: number;
  readonly offset: number;
}

/** Before the first record that is still there, in whatever epoch: reading from here is never a gap. */
export const START: Position = { epoch: 0, offset: 0 };

/** Whether `candidate` is the record right after `at`. */
export function isNext(at: Position, candidate: Position): boolean {
  return candidate.epoch === at.epoch && candidate.offset === at.offset + 1;
}

/** Whether a reader at `at` has already been handed `candidate`. */
export function isSeen(at: Position, candidate: Position): boolean {
  return candidate.epoch < at.epoch || (candidate.epoch === at.epoch && candidate.offset <= at.offset);
}

/** Writes the public, opaque form of a position. */
export function cursorFromPosition(position: Position): string {
  return `${position.epoch}-${position.offset}`;
}

const CURSOR_PATTERN = /^(\d{1,10})-(\d{1,15})$/;

/**
 * Reads a cursor that this hub gave.
 * @throws MeshError invalid_argument
 */
export function positionFromCursor(cursor: string): Position {
  const match = CURSOR_PATTERN.exec(cursor);
  if (match === null) {
    throw new MeshError("invalid_argument", "not a cursor of this hub", {
      hint: "give back a cursor exactly as you got it, or none to start after your committed ack",
    });
  }
  return { epoch: Number(match[1]), offset: Number(match[2]) };
}
