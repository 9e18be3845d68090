import { createHash } from "node:crypto";
import { z } from "zod";
import {
  type AgentView,
  type Call,
  createLru,
  type JsonObject,
  MeshError,
  type Profile,
  present,
  type RegistryApi,
} from "../../src/adapter-kit.ts";
import { type AgentCard, AgentCardSchema } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError } from "./a2a-error.ts";
import { type Asked, agentOf, HUB } from "./asked.ts";
import { canonicalJson } from "./canonical-json.ts";
import { type CardFacts, cardFromAgent, cardOfHub, extendedCard } from "./card.ts";
import type { HubSigner } from "./hub-signer.ts";
import { jsonFromMessage, messageFromJson } from "./json.ts";
import type { Operations } from "./operations.ts";
import { OWN_CARD } from "./own-card.ts";
import { cardForBoth, legacyCard } from "./v03/card.ts";

/** Cards of so many agents are kept signed. */
const KEPT_CARDS = 2000;

/** Whom a card is for: clients of one version, or of whichever. */
export type CardForm = "1.0" | "0.3" | "both";

/** A card as it is sent. */
export interface ServedCard {
  readonly body: string;
  /** Equal for equal cards. */
  readonly digest: string;
  /** Since when the card is as it is, as far as this hub process knows. */
  readonly sinceUnixMs: number;
}

export interface Cards {
  /** @throws MeshError not_found for an agent that the caller may not see */
  served(call: Call, agent: string, form: CardForm): Promise<ServedCard>;
  readonly getExtendedAgentCard: Operations["getExtendedAgentCard"];
}

export interface CardsDeps {
  readonly registry: Pick<RegistryApi, "getAgent">;
  readonly signer: HubSigner;
  readonly facts: () => CardFacts;
  readonly nowUnixMs: () => number;
}

interface SignedCard {
  readonly digest: string;
  readonly json: JsonObject;
  readonly sinceUnixMs: number;
}

/** Cards of agents, whether they are online or not, and of the hub. */
export function createCards({ registry, signer, facts, nowUnixMs }: CardsDeps): Cards {
  const signed = createLru<SignedCard>({ maxWeight: KEPT_CARDS });

  /** A signature differs each time: one is kept as long as the card stays as it is. */
  async function sign(agent: string, card: AgentCard): Promise<SignedCard> {
    const plain = jsonFromMessage(AgentCardSchema, card);
    const digest = digestOf(canonicalJson(plain));
    const kept = signed.get(agent);
    if (kept?.digest === digest) return kept;
    const made = { digest, json: await signer.sign(plain), sinceUnixMs: nowUnixMs() };
    signed.set(agent, made);
    return made;
  }

  async function serveMade(agent: string, card: AgentCard, form: CardForm): Promise<ServedCard> {
    const { json, digest, sinceUnixMs } = await sign(agent, card);
    const served = { digest: `${digest}-${form}`, sinceUnixMs };
    if (form === "1.0") return { ...served, body: JSON.stringify(json) };
    const legacy = legacyCard(card);
    return { ...served, body: JSON.stringify(form === "0.3" ? legacy : cardForBoth(json, legacy)) };
  }

  return {
    async served(call, agent, form) {
      if (agent === HUB) return serveMade(HUB, cardOfHub(facts()), form);
      const view = await registry.getAgent(call, agent);
      const own = ownCard(view.profile);
      if (own === undefined) return serveMade(agent, cardFromAgent(view, facts()), form);
      return { body: own, digest: digestOf(own), sinceUnixMs: view.createdUnixMs };
    },
    getExtendedAgentCard: (asked, { tenant }) => extended({ registry, signer, facts }, asked, tenant),
  };
}

async function extended(
  { registry, signer, facts }: Omit<CardsDeps, "nowUnixMs">,
  asked: Asked,
  tenant: string,
): Promise<AgentCard> {
  const agent = agentOf(asked, tenant);
  if (asked.call.principal.kind === "anonymous") {
    throw new A2aError("UNAUTHENTICATED", "the extended card is for members of this hub", {
      metadata: { hint: "send 'Authorization: Bearer <token or API key>'" },
    });
  }
  if (agent === HUB) return signedMessage(signer, cardOfHub(facts()));
  const view = await agentView(registry, asked.call, agent);
  const own = ownCard(view.profile);
  if (own !== undefined) return messageFromJson(AgentCardSchema, JSON.parse(own));
  return signedMessage(signer, extendedCard(view, facts()));
}

async function agentView(
  registry: Pick<RegistryApi, "getAgent">,
  call: Call,
  agent: string,
): Promise<AgentView> {
  try {
    return await registry.getAgent(call, agent);
  } catch (thrown) {
    throw agentNotFound(thrown, call);
  }
}

const STRANGER_HINT =
  "agents show their card to strangers when their profile says access or visibility public, else to members: " +
  "send 'Authorization: Bearer <token or API key>'";

/** What is not "no such agent" stays what it is. */
export function agentNotFound(thrown: unknown, { principal }: Pick<Call, "principal">): unknown {
  if (!(thrown instanceof MeshError) || thrown.code !== "not_found") return thrown;
  const hint = principal.kind === "anonymous" ? STRANGER_HINT : thrown.hint;
  return new A2aError("AGENT_NOT_FOUND", thrown.message, { metadata: present({ hint }), cause: thrown });
}

async function signedMessage(signer: HubSigner, card: AgentCard): Promise<AgentCard> {
  return messageFromJson(AgentCardSchema, await signer.sign(jsonFromMessage(AgentCardSchema, card)));
}

const signedShape = z.looseObject({
  name: z.string(),
  signatures: z.array(z.looseObject({ protected: z.string(), signature: z.string() })).min(1),
});

/**
 * The signed card that the agent brought (`agent_card` in its profile), as it was given: any change would break its
 * signature. A text is served byte for byte; one that is no signed card counts as none.
 */
function ownCard({ extra }: Profile): string | undefined {
  const given = extra?.[OWN_CARD];
  if (given === undefined) return undefined;
  const text = typeof given === "string" ? given : JSON.stringify(given);
  try {
    return signedShape.safeParse(JSON.parse(text)).success ? text : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 27);
}
