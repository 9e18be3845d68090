import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { z } from "zod";
import type { AgentView, Profile } from "../../src/adapter-kit.ts";
import { type AgentCard, AgentCardSchema, type AgentSkillSchema } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { HUB } from "./asked.ts";
import { OWN_EXTENSIONS } from "./extensions.ts";

/** What every card tells of the hub behind it. */
export interface CardFacts {
  readonly publicUrl: string;
  /** host:port, when clients can reach it. */
  readonly grpc: string | undefined;
  readonly hubId: string;
  readonly version: string;
}

type Skill = MessageInitShape<typeof AgentSkillSchema>;

/** Media types that an agent says nothing of: it gets whatever is sent, and may answer with whatever it likes. */
const ANY_TYPES = ["text/plain", "application/json", "*/*"];

const modes = z.array(z.string().min(1).max(255)).min(1).max(50);
/** Fields of a profile's `extra` that a card is made of; what does not look so is passed over. */
const extraShape = z.object({
  input_modes: modes.optional().catch(undefined),
  output_modes: modes.optional().catch(undefined),
  version: z.string().min(1).max(64).optional().catch(undefined),
  documentation_url: z.url().max(2048).optional().catch(undefined),
});

/** What an agent says that it takes and gives; undefined = it does not say. */
export function declaredModes({ extra }: Profile): {
  readonly input: readonly string[] | undefined;
  readonly output: readonly string[] | undefined;
} {
  const { input_modes: input, output_modes: output } = extraShape.parse(extra ?? {});
  return { input, output };
}

/**
 * The card of an agent, made of its profile and of what is really served. Nothing in it is empty: some verifiers leave
 * empty values out before they check a signature, and some do not.
 */
export function cardFromAgent({ agentId, profile }: AgentView, facts: CardFacts): AgentCard {
  const { input, output } = declaredModes(profile);
  const { version = "1.0.0", documentation_url } = extraShape.parse(profile.extra ?? {});
  const name = profile.name ?? agentId;
  return inUnicode({
    name,
    description: profile.description ?? `Agent ${agentId} at the hub ${facts.hubId}`,
    supportedInterfaces: interfaces(agentId, facts),
    provider: { url: facts.publicUrl, organization: facts.hubId },
    version,
    ...(documentation_url !== undefined && { documentationUrl: documentation_url }),
    capabilities: {
      streaming: true,
      pushNotifications: true,
      extendedAgentCard: true,
      extensions: OWN_EXTENSIONS.map(({ uri, description }) => ({ uri, description })),
    },
    ...security(profile.access === "public"),
    defaultInputModes: [...(input ?? ANY_TYPES)],
    defaultOutputModes: [...(output ?? ANY_TYPES)],
    skills: skillsOf(name, profile),
  });
}

/** JSON lets half of a surrogate pair pass, and nobody could sign that: bytes of UTF-8 have a mark in its place. */
function inUnicode(card: MessageInitShape<typeof AgentCardSchema>): AgentCard {
  return fromBinary(AgentCardSchema, toBinary(AgentCardSchema, create(AgentCardSchema, card)));
}

/** What members are told beyond the public card. */
export function extendedCard(view: AgentView, facts: CardFacts): AgentCard {
  const card = cardFromAgent(view, facts);
  const { profile } = view;
  const { price, turnaroundMin, languages = [], languagePairs = [], region } = profile;
  const told = [
    `Status: ${profile.status}, ${view.online ? "online" : "offline"}.`,
    ...(languages.length > 0 ? [`Languages: ${languages.join(", ")}.`] : []),
    ...(languagePairs.length > 0 ? [`Language pairs: ${languagePairs.join(", ")}.`] : []),
    ...(region === undefined ? [] : [`Region: ${region}.`]),
    ...(price === undefined ? [] : [`Price: ${price.amount} ${price.currency} per ${price.unit || "task"}.`]),
    ...(turnaroundMin === undefined ? [] : [`Usual turnaround: ${turnaroundMin} minutes.`]),
  ];
  return inUnicode({ ...card, description: `${card.description}\n\n${told.join(" ")}` });
}

const HUB_SKILLS: readonly Skill[] = [
  {
    id: "about",
    name: "What this hub is",
    description: "Says in plain words what this hub is and what can be done here.",
    tags: ["hub", "help"],
    examples: ["What is this?"],
  },
  {
    id: "find",
    name: "Who can do something",
    description: "Finds agents of this hub by what they can do; slips of the pen are forgiven.",
    tags: ["search", "directory", "agents"],
    examples: ["Who can translate contracts into German?"],
  },
  {
    id: "join",
    name: "How to join",
    description: "Says how an agent becomes a member of this hub.",
    tags: ["join", "help"],
    examples: ["How do I join?"],
  },
];

/** The card of the hub as an agent: open to everybody. */
export function cardOfHub(facts: CardFacts): AgentCard {
  return create(AgentCardSchema, {
    name: `MeshKore hub ${facts.hubId}`,
    description:
      "A message hub for AI agents: they join by one URL, find each other, and give each other work. Ask it in plain words what it is, who can do something, or how to join.",
    supportedInterfaces: interfaces(HUB, facts),
    provider: { url: facts.publicUrl, organization: facts.hubId },
    version: facts.version,
    capabilities: { streaming: true, extendedAgentCard: true },
    ...security(true),
    defaultInputModes: ["text/plain"],
    defaultOutputModes: ["text/plain"],
    skills: [...HUB_SKILLS],
  });
}

function interfaces(agent: string, { publicUrl, grpc }: CardFacts) {
  const url = `${publicUrl}/a2a/${agent}`;
  const rpcUrl = agent === HUB ? `${publicUrl}/a2a` : url;
  // A client puts a declared tenant into paths, which have the agent already: only gRPC declares one.
  const tenant = agent === HUB ? {} : { tenant: agent };
  return [
    { url: rpcUrl, protocolBinding: "JSONRPC", protocolVersion: "1.0" },
    { url, protocolBinding: "HTTP+JSON", protocolVersion: "1.0" },
    ...(grpc === undefined
      ? []
      : [{ url: grpc, protocolBinding: "GRPC", protocolVersion: "1.0", ...tenant }]),
    { url: rpcUrl, protocolBinding: "JSONRPC", protocolVersion: "0.3" },
    { url, protocolBinding: "HTTP+JSON", protocolVersion: "0.3" },
  ];
}

function security(isOpen: boolean): Pick<MessageInitShape<typeof AgentCardSchema>, "securitySchemes"> {
  return {
    securitySchemes: {
      bearer: {
        scheme: {
          case: "httpAuthSecurityScheme",
          value: { scheme: "Bearer", bearerFormat: "JWT", description: "A token or API key of this hub." },
        },
      },
    },
    ...(!isOpen && { securityRequirements: [{ schemes: { bearer: { list: ["member"] } } }] }),
  };
}

function skillsOf(name: string, { capabilities }: Profile): Skill[] {
  if (capabilities.length === 0) {
    return [
      { id: "ask", name: `Ask ${name}`, description: `Takes requests in plain words.`, tags: ["general"] },
    ];
  }
  return capabilities.map((capability) => ({
    id: capability,
    name: capability,
    description: `${name} can do this: ${capability}`,
    tags: [capability],
  }));
}
