import fc from "fast-check";

/** JSON texts that parsers, validators and stores stumble over. As texts, since a value could not hold some of them. */
const NASTY = [
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "1e309",
  "-1e309",
  "1e-400",
  "9007199254740993",
  "123456789012345678901234567890",
  "0.1e1",
  "1.5",
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\uffff"',
  '"\u202e"',
  '"../../etc/passwd"',
  '"%00"',
  '"a\\r\\nb: c"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"hasOwnProperty"',
  '"#"',
  '"#x"',
  '"@"',
  '"a@b@c"',
  '"A"',
  '"-a"',
  '"alice@hub-b.test"',
  "[]",
  "{}",
  "[[]]",
  "[null]",
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"toString":1}',
  '{"length":1e9}',
  `"${"x".repeat(64)}"`,
  `"${"x".repeat(10_000)}"`,
  `"${"é".repeat(300)}"`,
  `[${"0,".repeat(5000)}0]`,
  "[".repeat(3000) + "]".repeat(3000),
  `${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`,
]; // prettier-ignore

/** What is no JSON, or not quite. */
const BROKEN = [
  "",
  " ",
  "nul",
  "NaN",
  "Infinity",
  "'a'",
  "{a:1}",
  "[1,]",
  '{"a":1,}',
  '"\t"',
  '"\\x41"',
  "01",
  "1.",
  ".5",
  "+1",
  "\ufeff{}",
  "{",
  "[",
  '"',
  "{}{}",
  "// {}",
  "[".repeat(100_000),
  '{"a":'.repeat(50_000),
]; // prettier-ignore

const PROTO_KEYS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "",
  "\\u0000",
  "\\ud800",
  "unknown_field",
];

const nasty = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 1, arbitrary: fc.constantFrom(...BROKEN) },
  { weight: 3, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.double().map((number) => JSON.stringify(number)) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }).map((text) => JSON.stringify(text)) },
);

/** A value of the kind of the example, wrong in one or two places; sometimes something else altogether. */
export function mutatedJson(examples: readonly unknown[]): fc.Arbitrary<string> {
  const changed = fc
    .tuple(
      fc.constantFrom(...examples),
      fc.nat(),
      nasty,
      fc.constantFrom("value", "add", "twice", "drop"),
      fc.constantFrom(...PROTO_KEYS),
    )
    .map(([example, at, value, how, key]) => {
      const count = countNodes(example);
      return write(example, { at: at % count, value, how, key, seen: { count: 0 } });
    });
  return fc.oneof({ weight: 8, arbitrary: changed }, { weight: 1, arbitrary: nasty });
}

interface Change {
  readonly at: number;
  readonly value: string;
  readonly how: string;
  readonly key: string;
  readonly seen: { count: number };
}

function countNodes(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, member) => sum + countNodes(member), 1);
}

/** Written by hand, so that keys can stand twice and values need not be JSON. */
function write(value: unknown, change: Change): string {
  const isHere = change.seen.count++ === change.at;
  if (isHere && change.how !== "add") return change.value;
  if (typeof value !== "object" || value === null) return isHere ? change.value : JSON.stringify(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => write(item, change));
    return `[${[...items, ...(isHere ? [change.value] : [])].join(",")}]`;
  }
  const members = Object.entries(value).flatMap(([name, member]) => {
    const before = change.seen.count;
    const text = `${JSON.stringify(name)}:${write(member, change)}`;
    if (before !== change.at) return [text];
    if (change.how === "drop") return [];
    return change.how === "twice" ? [`${JSON.stringify(name)}:${JSON.stringify(member)}`, text] : [text];
  });
  if (isHere) members.push(`"${change.key}":${change.value}`);
  return `{${members.join(",")}}`;
}
