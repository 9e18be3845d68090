/** Extensions of the hub's own; docs/extensions says what each means. */
export const RESUME = "https://meshkore.dev/ext/resume/v1";
export const IDEMPOTENCY = "https://meshkore.dev/ext/idempotency/v1";
export const RECEIPTS = "https://meshkore.dev/ext/delivery-receipts/v1";

export interface OwnExtension {
  readonly uri: string;
  readonly description: string;
}

export const OWN_EXTENSIONS: readonly OwnExtension[] = [
  {
    uri: RESUME,
    description:
      "Follow a task from the sequence of the last event that you have, without a hole or a repeat.",
  },
  {
    uri: IDEMPOTENCY,
    description: "A repeated messageId within 24 hours gives the first task and creates nothing.",
  },
  {
    uri: RECEIPTS,
    description:
      "Learn when your message was accepted, when the agent got it and acknowledged it, or why it never will.",
  },
];

const MAX_EXTENSIONS = 100;
const HEADERS = ["a2a-extensions", "x-a2a-extensions"] as const;

/** Those of the hub's own that the caller wants; others are nobody's here and stay unanswered. */
export function activatedExtensions(headers: ReadonlyMap<string, string>): ReadonlySet<string> {
  const asked = HEADERS.flatMap((name) => headers.get(name)?.split(",", MAX_EXTENSIONS) ?? []);
  const wanted = new Set(asked.map((uri) => uri.trim()));
  return new Set(OWN_EXTENSIONS.map(({ uri }) => uri).filter((uri) => wanted.has(uri)));
}

/** Tells the caller which were activated, under the name that it knows. */
export function extensionHeaders(
  headers: ReadonlyMap<string, string>,
  activated: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  if (activated.size === 0) return {};
  const list = [...activated].join(", ");
  return Object.fromEntries(HEADERS.filter((name) => headers.has(name)).map((name) => [name, list]));
}
