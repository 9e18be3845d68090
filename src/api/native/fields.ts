import { MeshError } from "../../model/errors.ts";

/** What fields of requests mean beyond their type. In proto3 an empty field is an absent one. */

export function textOrAbsent(text: string): string | undefined {
  return text === "" ? undefined : text;
}

export function countOrAbsent(count: number): number | undefined {
  return count === 0 ? undefined : count;
}

/** @throws MeshError invalid_argument */
export function requiredText(field: string, text: string, what: string): string {
  if (text !== "") return text;
  throw invalidField(field, "is missing", `give ${what}`);
}

/** @throws MeshError invalid_argument */
export function requiredMessage<Message>(field: string, message: Message | undefined): Message {
  if (message !== undefined) return message;
  throw invalidField(field, "is missing", `set ${field}`);
}

/** A 64-bit number, as exact as a number can be. @throws MeshError invalid_argument above 2^53 - 1 */
export function numberFromUint64(field: string, value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw invalidField(field, `is out of range: ${value}`, `give at most ${Number.MAX_SAFE_INTEGER}`);
}

export function uint64FromNumber(value: number): bigint {
  return BigInt(Math.max(0, Math.floor(value)));
}

/**
 * The word for a value of an enum whose numbers follow `words` from 1 on; undefined for the unspecified one.
 * @throws MeshError invalid_argument for a number that is not in the schema
 */
export function wordFromEnum<Word extends string>(
  field: string,
  value: number,
  words: readonly Word[],
): Word | undefined {
  if (value === 0) return undefined;
  const word = words[value - 1];
  if (word !== undefined) return word;
  throw invalidField(
    field,
    `has no value ${value}`,
    `give a number from 1 to ${words.length}: ${words.join(", ")}`,
  );
}

/** The pair of `wordFromEnum`; 0 for a word that is not there. */
export function enumFromWord<Word extends string>(word: Word | undefined, words: readonly Word[]): number {
  return word === undefined ? 0 : words.indexOf(word) + 1;
}

export function invalidField(field: string, problem: string, hint: string): MeshError {
  return new MeshError("invalid_argument", `${field} ${problem}`, { hint });
}
