type Undefinable<T> = { [K in keyof T]: undefined extends T[K] ? K : never }[keyof T];

/** `T`, in which a member that may be undefined is one that may be absent. */
export type Present<T> = { [K in Exclude<keyof T, Undefinable<T>>]: T[K] } & {
  [K in Undefinable<T>]?: Exclude<T[K], undefined>;
};

/** The members that are there: HubApi tells an absent member from an undefined one. */
export function present<T extends object>(members: T): Present<T> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) kept[name] = value;
  }
  // The compiler cannot follow members through a loop; what was left out is exactly what Present makes optional.
  return kept as Present<T>;
}
