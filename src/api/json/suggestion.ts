import { closestName } from "../../model/closest-name.ts";

/** Words that callers use for fields which have another name here. */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  payload: ["message", "text", "content", "body", "data", "msg"],
  to: ["recipient", "receiver", "target", "destination", "agent", "agent_id"],
  agent_id: ["id", "name", "agent"],
  agent: ["agent_id", "id", "to"],
  dedupe_key: ["idempotency_key", "dedup_key", "request_id"],
  ttl_s: ["ttl", "expires_in", "expires_in_s", "ttl_ms"],
  reply_to: ["in_reply_to", "parent_id"],
  expires_in_s: ["ttl", "ttl_s", "expires_in"],
  max_uses: ["uses"],
  capabilities: ["skills", "tags"],
  capability: ["capabilities", "skill", "tag"],
  members: ["agents"],
  name: ["id", "channel"],
  note: ["error", "reason"],
  api_key: ["key", "token"],
  cursor: ["position", "after", "since", "message_id", "id"],
  private: ["is_private"],
  wait: ["timeout", "wait_s"],
};

/** The known name that `word` most likely means; undefined when none is close. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const asked = word.toLowerCase().replaceAll("-", "_");
  const snake = word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const exact = known.find((name) => name === asked || name === snake);
  if (exact !== undefined) return exact;
  const synonym = known.find(
    (name) => Object.hasOwn(OTHER_WORDS, name) && OTHER_WORDS[name]?.includes(asked),
  );
  return synonym ?? closestName(asked, known);
}
