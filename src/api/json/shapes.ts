import { z } from "zod";
import { KINDS } from "../../model/envelope.ts";

/** What answers in JSON look like, for those who read them; the answers themselves are written by the `jsonFrom…` functions. */

const texts = z.array(z.string());
export const time = z.iso.datetime().describe("ISO 8601, UTC");
export const cursor = z.string().describe("opaque; give it back as you got it");
/** A named part of the document. */
export const named = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => schema.meta({ id });

const anyJson = z.unknown();

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
