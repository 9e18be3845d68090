import type { JsonObject, JsonValue } from "../../../src/adapter-kit.ts";
import type { AgentCard, SecurityScheme } from "../../../src/gen/lf/a2a/v1/a2a_pb.js";

/** The card as A2A 0.3 has it. */
export function legacyCard(card: AgentCard): JsonObject {
  const old = card.supportedInterfaces.filter(({ protocolVersion }) => protocolVersion === "0.3");
  const [first] = old;
  const { capabilities } = card;
  return {
    protocolVersion: "0.3.0",
    name: card.name,
    description: card.description,
    url: first?.url ?? "",
    preferredTransport: first?.protocolBinding ?? "JSONRPC",
    additionalInterfaces: old.map(({ url, protocolBinding }) => ({ url, transport: protocolBinding })),
    ...(card.provider !== undefined && {
      provider: { url: card.provider.url, organization: card.provider.organization },
    }),
    version: card.version,
    ...(card.documentationUrl !== undefined && { documentationUrl: card.documentationUrl }),
    capabilities: {
      // What is false is left out: a member that only one of the two versions has would break the signature.
      ...(capabilities?.streaming === true && { streaming: true }),
      ...(capabilities?.pushNotifications === true && { pushNotifications: true }),
      ...extensionsOf(card),
    },
    securitySchemes: Object.fromEntries(
      Object.entries(card.securitySchemes).map(([name, { scheme }]) => [name, legacyScheme(scheme)]),
    ),
    security: card.securityRequirements.map(({ schemes }) =>
      Object.fromEntries(Object.keys(schemes).map((name) => [name, []])),
    ),
    defaultInputModes: card.defaultInputModes,
    defaultOutputModes: card.defaultOutputModes,
    skills: card.skills.map(({ id, name, description, tags, examples }) => ({
      ...{ id, name, description, tags },
      ...(examples.length > 0 && { examples }),
    })),
    supportsAuthenticatedExtendedCard: capabilities?.extendedAgentCard === true,
  };
}

function extensionsOf({ capabilities }: AgentCard): JsonObject {
  const extensions = (capabilities?.extensions ?? []).map(({ uri, description }) => ({ uri, description }));
  return extensions.length === 0 ? {} : { extensions };
}

/** The hub's cards know bearer tokens alone. */
function legacyScheme(scheme: SecurityScheme["scheme"]): JsonObject {
  const { description = "" } = scheme.value ?? {};
  return { type: "http", scheme: "bearer", bearerFormat: "JWT", description };
}

/**
 * A card that clients of both versions read: the members of 1.0, and beside them those that 0.3 has. Signatures are over
 * the members of 1.0, and those who check them leave out what they do not know.
 */
export function cardForBoth(card: JsonObject, legacy: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...card };
  for (const [name, value] of Object.entries(legacy)) {
    const own = merged[name];
    if (own === undefined) merged[name] = value;
    else if (isObject(own) && isObject(value)) merged[name] = cardForBoth(own, value);
  }
  return merged;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
