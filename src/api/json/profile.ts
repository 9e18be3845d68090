import { z } from "zod";
import type { AgentView, ProfilePatch } from "../../model/agent.ts";
import type { JsonObject, JsonValue } from "../../model/json.ts";
import { present } from "../../model/present.ts";
import { type AnswerObject, timeText } from "./answer.ts";
import { unknownField } from "./problems.ts";
import { suggestion } from "./suggestion.ts";

const texts = z.array(z.string()).exactOptional();
const text = z.string().exactOptional();
const decimal = z
  .union([z.string(), z.number()], "expected a decimal number")
  .transform(String)
  .pipe(z.string().regex(/^\d{1,30}(\.\d{1,30})?$/, 'expected a decimal number, such as "0.05"'));

const fields = {
  name: text,
  description: text,
  capabilities: texts,
  languages: texts,
  language_pairs: texts,
  region: text,
  price: z
    .strictObject({ amount: decimal, currency: z.string().min(1), unit: z.string().min(1) })
    .exactOptional(),
  turnaround_min: z.number().int().min(0).max(0xffff_ffff).exactOptional(),
  credentials: texts,
  status: z.enum(["available", "busy", "away"]).exactOptional(),
  visibility: z.enum(["public", "hub", "hidden"]).exactOptional(),
  access: z.enum(["members", "public"]).exactOptional(),
};

const KNOWN = Object.keys(fields);
const KNOWN_SET: ReadonlySet<string> = new Set(KNOWN);
/** What the hub says of an agent; nobody says it of itself. */
const FIXED: ReadonlySet<string> = new Set([
  "agent_id",
  "online",
  "created_at",
  "public_key",
  "plan",
  "__proto__",
]);

export const PROFILE_EXPECTS =
  '{"description"?, "status"?: "available|busy|away", "capabilities"?: ["…"], "visibility"?: "public|hub|hidden", ' +
  '"access"?: "members|public", "name"?, "languages"?, "language_pairs"?, "region"?, ' +
  '"price"?: {"amount", "currency", "unit"}, "turnaround_min"?, "credentials"?, and fields of your own}';

const openProfile = z.object(fields).catchall(z.json());
// The check below takes anything, and would be described so; what it lets through are these fields and any others.
const { $schema: _, ...described } = z.toJSONSchema(z.object(fields).catchall(z.unknown()), { io: "input" });

/** A profile as an agent writes it. Fields of its own are kept as `extra`, unless they look like a slip of the pen. */
export const profileSchema = z
  .unknown()
  .superRefine((value, context) => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      if (FIXED.has(key)) context.addIssue({ code: "custom", message: `"${key}" cannot be set here` });
      else if (!KNOWN_SET.has(key) && suggestion(key, KNOWN) !== undefined) {
        context.addIssue({ code: "custom", message: unknownField("", key, KNOWN) });
      }
    }
  })
  .meta({ ...described, id: "Profile" })
  .pipe(openProfile)
  .transform(patchFromFields);

function patchFromFields(given: z.output<typeof openProfile>): ProfilePatch {
  const { language_pairs: languagePairs, turnaround_min: turnaroundMin } = given;
  const {
    name,
    description,
    capabilities,
    languages,
    region,
    price,
    credentials,
    status,
    visibility,
    access,
  } = given;
  const own: [string, JsonValue][] = Object.entries(given).filter(([key]) => !KNOWN_SET.has(key));
  return present({
    name,
    description,
    capabilities,
    languages,
    languagePairs,
    region,
    price,
    turnaroundMin,
    credentials,
    status,
    visibility,
    access,
    extra: own.length === 0 ? undefined : Object.fromEntries(own),
  });
}

/** An agent as JSON surfaces show it; fields of its own stand beside the hub's and never in their place. */
export function jsonFromAgent(agent: AgentView): AnswerObject {
  const { profile } = agent;
  const extra: JsonObject = profile.extra ?? {};
  return {
    ...extra,
    agent_id: agent.agentId,
    name: profile.name,
    description: profile.description ?? "",
    capabilities: profile.capabilities,
    status: profile.status,
    online: agent.online,
    visibility: profile.visibility,
    access: profile.access,
    languages: profile.languages,
    language_pairs: profile.languagePairs,
    region: profile.region,
    price: profile.price === undefined ? undefined : { ...profile.price },
    turnaround_min: profile.turnaroundMin,
    credentials: profile.credentials,
    public_key: agent.publicKey,
    plan: agent.plan,
    created_at: timeText(agent.createdUnixMs),
  };
}
