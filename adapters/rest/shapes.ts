import { z } from "zod";
import { cursor, ERROR_CODES, messageShape, named, time } from "../../src/adapter-kit.ts";
import type { AnswerForm } from "./operation.ts";

/** What answers look like, for those who read them; the answers themselves are written by the `…Json` functions. */

const texts = z.array(z.string());
const anyJson = z.unknown();

/** An answer in JSON. */
export function inJson(description: string, schema: z.ZodType): AnswerForm {
  return { description, content: { "application/json": schema } };
}

/** An answer without a body. */
export function withoutBody(description: string): AnswerForm {
  return { description, content: {} };
}

export const errorShape = named(
  "Error",
  z.object({
    error: z.object({
      code: z.enum(ERROR_CODES),
      message: z.string(),
      hint: z.string().describe("what you can do about it"),
      retry_after_s: z.int().min(1).optional().describe("as the header Retry-After"),
    }),
  }),
);

export const reachCredentialShape = named(
  "ReachCredential",
  z.object({ origin: z.string(), header: z.string().describe("in lower case"), set_at: time }),
);

export const historyShape = named(
  "HistoryPage",
  z.object({
    messages: z.array(messageShape).describe("newest first"),
    cursor: cursor.optional().describe("for older ones; absent = that was all"),
  }),
);
export const statusShape = named(
  "MessageStatus",
  z.object({
    message_id: z.uuid(),
    status: z.enum(["accepted", "delivered", "read", "processed", "failed", "expired"]),
    at: time.describe("the state was reached then or earlier"),
    to: z.string(),
    created_at: time,
    note: z.string().optional(),
  }),
);
export const deadPageShape = z.object({
  messages: z.array(
    z.object({
      message_id: z.uuid(),
      to: z.string(),
      status: z.enum(["failed", "expired"]),
      reason: z.string(),
      at: time,
    }),
  ),
  cursor: cursor.optional(),
});

export const inviteShape = named(
  "Invite",
  z.object({
    nonce: z.string(),
    url: z.url().describe("what you hand to the one who is invited; a secret"),
    expires_at: time,
    max_uses: z.int().min(1),
    uses: z.int().min(0),
    capabilities: texts,
    created_by: z.string(),
  }),
);
export const ruleShape = named(
  "AccessRule",
  z.object({ agent: z.string(), mode: z.enum(["block", "allow"]) }),
);

/** How to join, for a program. */
export const joinPageShape = z.object({
  hub_url: z.url(),
  expires_at: time,
  max_uses: z.int().min(1),
  uses: z.int().min(0),
  capabilities: texts,
  join: z.object({ method: z.literal("POST"), url: z.url(), body: z.record(z.string(), anyJson) }),
  instructions: z.string().describe("the text that is shown without `Accept: application/json`"),
});
