import { z } from "zod";
import { ERROR_CODES, KINDS } from "../../src/adapter-kit.ts";
import type { AnswerForm } from "./operation.ts";

/** What answers look like, for those who read them; the answers themselves are written by the `…Json` functions. */

/** An answer in JSON. */
export function inJson(description: string, schema: z.ZodType): AnswerForm {
  return { description, content: { "application/json": schema } };
}

/** An answer without a body. */
export function withoutBody(description: string): AnswerForm {
  return { description, content: {} };
}

const texts = z.array(z.string());
export const time = z.iso.datetime().describe("ISO 8601, UTC");
export const cursor = z.string().describe("opaque; give it back as you got it");
/** A named part of the document. */
const named = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => schema.meta({ id });

const anyJson = z.unknown();

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

export const messageShape = named(
  "Message",
  z.object({
    id: z.uuid().describe("UUIDv7; a message that comes again has the same one"),
    kind: z.enum(KINDS).describe("RECEIPT and EVENT are the hub's own"),
    from: z.string(),
    to: z.string(),
    channel: z.string().optional(),
    reply_to: z.string().optional(),
    task_id: z.string().optional(),
    context_id: z.string().optional(),
    content_type: z.string().optional(),
    created_at: time,
    expires_at: time.optional(),
    priority: z.enum(["low", "high"]).optional().describe("absent = normal"),
    dedupe_key: z.string().optional(),
    traceparent: z.string().optional(),
    via: texts.optional().describe("hubs that it has passed"),
    sealed: z.literal(true).optional().describe("end-to-end encrypted"),
    annotations: z.record(z.string(), z.string()).optional(),
    payload: anyJson.optional().describe("as it was sent: a JSON value, or text as a string"),
    payload_base64: z.string().optional().describe("instead of payload, for bytes"),
    cursor: cursor.optional().describe("of the message in your inbox"),
  }),
);

const acceptedFields = {
  message_id: z.uuid(),
  status: z.literal("accepted").describe("the message is durable"),
  position: cursor.describe("where it stands in the receiver's inbox"),
  duplicate: z.literal(true).optional().describe("the dedupe key was known: nothing was appended"),
};
export const acceptedShape = named("Accepted", z.object(acceptedFields));
export const repliedShape = named("Replied", z.object({ ...acceptedFields, reply: messageShape.nullable() }));

export const pageShape = named("MessagePage", z.object({ messages: z.array(messageShape), cursor }));
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

export const agentShape = named(
  "Agent",
  z
    .object({
      agent_id: z.string(),
      name: z.string().optional(),
      description: z.string(),
      capabilities: texts,
      status: z.enum(["available", "busy", "away"]),
      online: z.boolean(),
      visibility: z.enum(["public", "hub", "hidden"]),
      access: z.enum(["members", "public"]),
      languages: texts.optional(),
      language_pairs: texts.optional(),
      region: z.string().optional(),
      price: z.object({ amount: z.string(), currency: z.string(), unit: z.string() }).optional(),
      turnaround_min: z.int().min(0).optional(),
      credentials: texts.optional(),
      public_key: z.string().optional(),
      plan: z.enum(["open", "free", "pro"]).optional().describe("for the agent itself and the operator"),
      created_at: time,
    })
    .catchall(anyJson)
    .describe("with fields of the agent's own beside these"),
);
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
export const channelShape = named(
  "Channel",
  z.object({
    id: z.string(),
    name: z.string(),
    owner: z.string(),
    description: z.string(),
    private: z.boolean(),
    member_count: z.int().min(0),
    is_member: z.boolean(),
    created_at: time,
  }),
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
