import fc from "fast-check";

/** Pieces that mean something to some parser. */
const PIECES = [
  "\0",
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "\r\r\n",
  "\t",
  " ",
  ":",
  "%",
  "%00",
  "%2e%2e/",
  "%c0%af",
  "/",
  "//",
  "\\",
  "?",
  "#",
  "\x7f",
  "\xff",
  "\xff\xfe",
  "\xc3\x28",
  "\xed\xa0\x80",
  "0",
  "-1",
  "1e309",
  "99999999999999999999",
  "0x10",
  "+5",
  "00000000005",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "Upgrade: websocket\r\n",
  "{",
  "}",
  "[",
  "]",
  '"',
  "\\u0000",
  "\\ud800",
  '"__proto__":',
  "null",
  "true",
  "@TOKEN@",
].map((text) => Buffer.from(text, "latin1")); // prettier-ignore

type Edit =
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "set"; readonly at: number; readonly byte: number }
  | { readonly kind: "insert"; readonly at: number; readonly piece: Buffer }
  | { readonly kind: "remove"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: "cut"; readonly at: number };

const place = fc.nat({ max: 1_000_000 });

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: place, bit: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant("set" as const), at: place, byte: fc.nat({ max: 255 }) }),
  fc.record({ kind: fc.constant("insert" as const), at: place, piece: fc.constantFrom(...PIECES) }),
  fc.record({ kind: fc.constant("remove" as const), at: place, length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant("repeat" as const),
    at: place,
    length: fc.integer({ min: 1, max: 60 }),
    times: fc.constantFrom(1, 2, 7, 300),
  }),
  fc.record({ kind: fc.constant("cut" as const), at: place }),
);

/** One of the texts, with a few bytes of it changed, moved, repeated or gone. */
export function mutated(corpus: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.constantFrom(...corpus), fc.array(edit, { minLength: 1, maxLength: 5 }))
    .map(([base, edits]) => edits.reduce(apply, Buffer.from(base)));
}

/** The bytes in up to five pieces, which are written one by one. */
export function inPieces(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<readonly Buffer[]> {
  const cuts = fc.oneof(
    { weight: 2, arbitrary: fc.constant<number[]>([]) },
    { weight: 1, arbitrary: fc.array(place, { minLength: 1, maxLength: 4 }) },
  );
  return fc.tuple(bytes, cuts).map(([whole, places]) => {
    const ends = [...places.map((at) => at % (whole.length + 1)), whole.length].sort((a, b) => a - b);
    return ends
      .map((end, index) => whole.subarray(ends[index - 1] ?? 0, end))
      .filter((piece) => piece.length > 0);
  });
}

/** As many values as asked for; the same ones for the same seed. */
export function sample<T>(arbitrary: fc.Arbitrary<T>, seed: number, count: number): readonly T[] {
  return fc.sample(arbitrary, { seed, numRuns: count });
}

/** The whole, cut off before each of its bytes. */
export function truncatedEverywhere(whole: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: whole.length }, (_, end) => whole.subarray(0, end)).slice(1);
}

/** The whole in two pieces, cut at each of its bytes. */
export function splitEverywhere(whole: Uint8Array): readonly (readonly Uint8Array[])[] {
  return Array.from({ length: whole.length - 1 }, (_, at) => [
    whole.subarray(0, at + 1),
    whole.subarray(at + 1),
  ]);
}

function apply(bytes: Buffer, change: Edit): Buffer {
  const at = change.at % (bytes.length + 1);
  const before = bytes.subarray(0, at);
  switch (change.kind) {
    case "flip":
    case "set": {
      const copy = Buffer.from(bytes);
      if (at < copy.length)
        copy[at] = change.kind === "set" ? change.byte : (copy[at] ?? 0) ^ (1 << change.bit);
      return copy;
    }
    case "insert":
      return Buffer.concat([before, change.piece, bytes.subarray(at)]);
    case "remove":
      return Buffer.concat([before, bytes.subarray(at + change.length)]);
    case "repeat": {
      const part = bytes.subarray(at, at + change.length);
      return Buffer.concat([before, ...Array.from({ length: change.times }, () => part), bytes.subarray(at)]);
    }
    case "cut":
      return Buffer.from(before);
  }
}
