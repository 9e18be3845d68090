import { z } from "zod";
import { DeliveryFailure, MeshError } from "../../../src/adapter-kit.ts";

const MAX_SKILLS = 40;
/** As the registry bounds a capability. */
const MAX_SKILL_CHARS = 64;

const text = z.string().max(4096);
const cardShape = z.looseObject({
  name: text.default(""),
  description: z.string().default(""),
  version: text.optional(),
  capabilities: z.looseObject({ streaming: z.boolean().optional() }).default({}),
  skills: z
    .array(z.looseObject({ id: text.default(""), name: text.default("") }))
    .max(1000)
    .default([]),
  signatures: z.array(z.unknown()).max(16).default([]),
  /** 1.0 */
  supportedInterfaces: z
    .array(
      z.looseObject({
        url: text,
        protocolBinding: text.default(""),
        protocolVersion: text.default(""),
        tenant: text.default(""),
      }),
    )
    .max(100)
    .optional(),
  /** 0.3 */
  url: text.optional(),
  preferredTransport: text.optional(),
  additionalInterfaces: z
    .array(z.looseObject({ url: text, transport: text.default("") }))
    .max(100)
    .optional(),
});
export type RemoteCard = z.output<typeof cardShape>;

/** Where and how the agent is called. */
export const interfaceShape = z.object({
  url: z.url({ protocol: /^https?$/ }),
  binding: z.enum(["JSONRPC", "HTTP+JSON"]),
  version: z.enum(["1.0", "0.3"]),
  tenant: z.string(),
  isStreaming: z.boolean(),
});
export type RemoteInterface = z.output<typeof interfaceShape>;

/** @throws DeliveryFailure when it is no card of an agent */
export function cardFromJson(value: unknown): RemoteCard {
  const parsed = cardShape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new DeliveryFailure(`its card is no A2A card: ${issue?.path.join(".")} ${issue?.message}`);
}

export interface ChoiceDeps {
  /** Whether http will do: what came by TLS does not lead anywhere without. */
  readonly mayBePlain: boolean;
  /** @throws MeshError for an address that the hub does not call */
  readonly check: (url: string) => Promise<void>;
}

/**
 * The first interface of the card that the hub speaks, and calls: their order is the agent's preference. It may be at
 * another host than the card.
 * @throws DeliveryFailure
 */
export async function chooseInterface(card: RemoteCard, deps: ChoiceDeps): Promise<RemoteInterface> {
  const offered = offers(card);
  let why = "";
  for (const offer of offered) {
    const chosen = interfaceShape.safeParse({ ...offer, isStreaming: card.capabilities.streaming === true });
    if (!chosen.success) continue;
    const refusal = await refusalOf(chosen.data, deps);
    if (refusal === undefined) return chosen.data;
    why ||= refusal;
  }
  if (why !== "") throw new DeliveryFailure(`what its card names is not called: ${why}`, { isAnswer: true });
  const names = offered.map(({ binding, version }) => `${binding} ${version}`).join(", ");
  throw new DeliveryFailure(
    `its card offers no interface that the hub calls (JSONRPC or HTTP+JSON, of 1.0 or 0.3), only: ${names.slice(0, 200)}`,
  );
}

/** Undefined = it is called. */
async function refusalOf(
  { url }: RemoteInterface,
  { mayBePlain, check }: ChoiceDeps,
): Promise<string | undefined> {
  if (!mayBePlain && url.startsWith("http:")) return "the card came by https, and the address is without";
  try {
    await check(url);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof MeshError) return thrown.message;
    throw thrown;
  }
}

/** What others find it by: ids and names of its skills. */
export function skillsOf({ skills }: RemoteCard): readonly string[] {
  const words = skills.flatMap(({ id, name }) => [id, name]).map((word) => word.trim());
  const fitting = words.filter((word) => word !== "" && word.length <= MAX_SKILL_CHARS && word !== "invite");
  return [...new Set(fitting)].slice(0, MAX_SKILLS);
}

function offers(card: RemoteCard) {
  const { supportedInterfaces = [], url, preferredTransport = "JSONRPC", additionalInterfaces = [] } = card;
  const current = supportedInterfaces.map(
    ({ url: at, protocolBinding: binding, protocolVersion, tenant }) => ({
      ...{ url: at, binding, tenant },
      version: protocolVersion.split(".").slice(0, 2).join(".") || "1.0",
    }),
  );
  if (url === undefined) return current;
  const old = [{ url, transport: preferredTransport }, ...additionalInterfaces].map(
    ({ url: at, transport }) => ({
      ...{ url: at, binding: transport, tenant: "", version: "0.3" },
    }),
  );
  return [...current, ...old];
}
