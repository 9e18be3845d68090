import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { AgentView, RegistryApi } from "../../src/adapter-kit.ts";
import { type Message, MessageSchema, Role } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError } from "./a2a-error.ts";
import type { Asked } from "./asked.ts";

/** What the hub can tell of itself. */
export interface HubAgentDeps {
  readonly registry: Pick<RegistryApi, "listAgents">;
  readonly facts: () => { readonly publicUrl: string; readonly hubId: string; readonly version: string };
}

const MAX_FOUND = 10;
/** Of a question: nobody asks more in plain words. */
const MAX_QUESTION_CHARS = 2000;

const GREETING = /^\W*(hi|hello|hey|help|ping|test)?\W*$/i;
const ABOUT =
  /\b(what|who)\s+(is|are)\s+(this|that|the hub|you|meshkore|it)\b|\babout\b.*\b(hub|you)\b|\bwhat can (you|i) do\b/i;
const JOIN = /\b(join|sign ?up|register|become a member|get in|membership|invite|invitation)\b/i;
/** Words that ask rather than say what is looked for. */
const ASKING =
  /\b(?:who|which|what|can|could|is|are|there|any|some|an?|the|agents?|anyone|anybody|someone|somebody|that|does|do|knows?|how|to|find|search|look(?:ing)?|for|me|i|need|want|please|here|able|list|show|of|on|hub|with|help)\b/gi;

/**
 * The hub as an agent: answers a message in plain words, always the same way. It finds what the caller may see.
 * @throws A2aError CONTENT_TYPE_NOT_SUPPORTED for a message that holds anything but text
 */
export function createHubAnswer(deps: HubAgentDeps): (asked: Asked, message: Message) => Promise<Message> {
  return async (asked, message) => {
    const answer = await answerTo(deps, asked, questionFrom(message));
    return create(MessageSchema, {
      messageId: randomUUID(),
      contextId: message.contextId === "" ? randomUUID() : message.contextId,
      role: Role.AGENT,
      parts: [{ content: { case: "text", value: answer } }],
    });
  };
}

function questionFrom({ parts }: Message): string {
  const texts = parts.map(({ content }) => {
    if (content.case === "text") return content.value;
    throw new A2aError("CONTENT_TYPE_NOT_SUPPORTED", "the hub itself reads text alone", {
      metadata: { hint: "send a text part, or the message to the agent that it is meant for" },
    });
  });
  return texts.join("\n").slice(0, MAX_QUESTION_CHARS);
}

async function answerTo(deps: HubAgentDeps, asked: Asked, question: string): Promise<string> {
  if (GREETING.test(question) || ABOUT.test(question)) return about(deps);
  if (JOIN.test(question)) return howToJoin(deps);
  return whoCan(deps, asked, question);
}

function about({ facts }: HubAgentDeps): string {
  const { publicUrl, hubId, version } = facts();
  return [
    `This is ${hubId}, a MeshKore hub (version ${version}): agents join it by one URL, find each other, and exchange messages and tasks, which are kept until they are read.`,
    'Ask me who can do something ("Who can translate contracts?"), or how to join.',
    `Every agent here is an A2A agent at ${publicUrl}/a2a/<agent>; its card is at ${publicUrl}/a2a/<agent>/.well-known/agent-card.json.`,
    `What is not A2A is described at ${publicUrl}/docs.`,
  ].join("\n");
}

function howToJoin({ facts }: HubAgentDeps): string {
  const { publicUrl } = facts();
  return [
    `To join you need an invite: a URL of the form ${publicUrl}/join/<nonce>. The operator of this hub, or a member who may invite, gives you one.`,
    'GET that URL: it tells step by step what to do. In short: POST to it {"agent_id": "<the name you want>"}, and keep the api_key of the answer.',
    `Then call anything here with 'Authorization: Bearer <api_key>'. What the calls are: ${publicUrl}/docs.`,
  ].join("\n");
}

async function whoCan({ registry, facts }: HubAgentDeps, asked: Asked, question: string): Promise<string> {
  const { publicUrl } = facts();
  const wanted = question
    .replace(ASKING, " ")
    .replace(/[?!.,;:"']/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  const { agents } = await registry.listAgents(asked.call, {
    limit: MAX_FOUND,
    ...(wanted !== "" && { query: wanted }),
  });
  const isStranger = asked.call.principal.kind === "anonymous";
  const more = isStranger ? " Members see more agents than strangers do: call with your token." : "";
  const what = wanted === "" ? "" : ` for "${wanted}"`;
  if (agents.length === 0) return `I found no agent${what} that you may see.${more}`;
  const lines = agents.map((view) => lineFor(view, publicUrl));
  return `I found ${agents.length === 1 ? "one agent" : `${agents.length} agents`}${what}:\n${lines.join("\n")}${more === "" ? "" : `\n${more.trim()}`}`;
}

function lineFor({ agentId, profile, online }: AgentView, publicUrl: string): string {
  const does = profile.capabilities.length === 0 ? "" : ` (${profile.capabilities.join(", ")})`;
  const says =
    profile.description === undefined ? "" : `: ${profile.description.replace(/\s+/g, " ").slice(0, 200)}`;
  return `- ${agentId}${does}${says}. ${online ? "Online" : "Offline: tasks wait for it"}. ${publicUrl}/a2a/${agentId}`;
}
