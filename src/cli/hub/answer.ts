/** A JSON object as the hub gave it; its members are checked where they are read. */
export type Answer = Readonly<Record<string, unknown>>;

export function isAnswer(value: unknown): value is Answer {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textMember(answer: Answer, name: string): string | undefined {
  const value = answer[name];
  return typeof value === "string" ? value : undefined;
}

export function numberMember(answer: Answer, name: string): number | undefined {
  const value = answer[name];
  return typeof value === "number" ? value : undefined;
}

/** Members that are missing or of another type are an empty object. */
export function objectMember(answer: Answer, name: string): Answer {
  const value = answer[name];
  return isAnswer(value) ? value : {};
}

/** The objects of a list; anything else in it is left out. */
export function objectsMember(answer: Answer, name: string): readonly Answer[] {
  const value = answer[name];
  return Array.isArray(value) ? value.filter(isAnswer) : [];
}

/** The strings of a list; anything else in it is left out. */
export function textsMember(answer: Answer, name: string): readonly string[] {
  const value = answer[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
