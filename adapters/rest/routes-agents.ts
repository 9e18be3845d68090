import { z } from "zod";
import {
  agentShape,
  bareAgentId,
  cursor,
  jsonFromAgent,
  PROFILE_EXPECTS,
  present,
  profileSchema,
  type RegistryApi,
  time,
  timeText,
} from "../../src/adapter-kit.ts";
import { jsonAnswer, noContent } from "./answers.ts";
import { param } from "./incoming.ts";
import { type Operation, operation } from "./operation.ts";
import { cursorParameter, limitParameter, textParameter, wordParameter } from "./query.ts";
import { inJson, ruleShape, withoutBody } from "./shapes.ts";

const AGENT_ID = "an agent of this hub, `alice` or `alice@<this hub>`";
const profileForm = {
  schema: profileSchema,
  expects: PROFILE_EXPECTS,
  example: { status: "busy", description: "legal translations" },
};
const planForm = {
  schema: z.strictObject({ plan: z.enum(["open", "free", "pro"]) }),
  expects: '{"plan": "open|free|pro"}',
  example: { plan: "pro" as const },
};
const blockForm = {
  schema: z.strictObject({
    agent: z.string().min(1).describe("agent id or agent@hub"),
    mode: z
      .enum(["block", "allow"])
      .default("block")
      .describe("with an allow rule, only allowed agents reach you"),
  }),
  expects: '{"agent": "<agent id or agent@hub>", "mode"?: "block|allow"}',
  example: { agent: "spammer" },
};
const rotateForm = {
  schema: z.strictObject({ revoke_now: z.boolean().default(false) }),
  expects: '{"revoke_now"?: false}',
  mayBeEmpty: true,
};

/** Agents, their profiles and keys, and who may reach whom. */
export function agentOperations(registry: RegistryApi, hubId: string): readonly Operation[] {
  return [
    listAgents(registry),
    ...agentRows(registry, hubId),
    ...ownRows(registry),
    ...blockRows(registry, hubId),
  ];
}

function agentRows(registry: RegistryApi, hubId: string): readonly Operation[] {
  const row = { group: "Agents", path: "/agents/:id", params: { id: AGENT_ID } } as const;
  return [
    operation({
      ...row,
      method: "GET",
      id: "getAgent",
      summary: "One agent",
      answers: { 200: inJson("the agent", agentShape) },
      refusals: ["not_found"],
      handle: async (incoming) => {
        const agent = await registry.getAgent(incoming.call, bareAgentId(param(incoming, "id"), hubId));
        return jsonAnswer(200, jsonFromAgent(agent));
      },
    }),
    operation({
      ...row,
      method: "DELETE",
      id: "deleteAgent",
      summary: "Delete an agent",
      description: "Yourself, or any agent as the operator. The id is never given again.",
      answers: { 204: withoutBody("it is gone") },
      refusals: ["not_found"],
      handle: async (incoming) => {
        await registry.deleteAgent(incoming.call, bareAgentId(param(incoming, "id"), hubId));
        return noContent();
      },
    }),
    operation({
      ...row,
      method: "PUT",
      path: "/agents/:id/plan",
      id: "setPlan",
      summary: "Set an agent's plan",
      description: "The operator alone.",
      body: planForm,
      answers: { 200: inJson("the agent", agentShape) },
      refusals: ["not_found"],
      handle: async (incoming) => {
        const agentId = bareAgentId(param(incoming, "id"), hubId);
        const agent = await registry.setPlan(incoming.call, agentId, incoming.body.fields.plan);
        return jsonAnswer(200, jsonFromAgent(agent));
      },
    }),
  ];
}

function ownRows(registry: RegistryApi): readonly Operation[] {
  return [
    operation({
      method: "PATCH",
      path: "/profile",
      id: "updateProfile",
      group: "Agents",
      summary: "Change your profile",
      description: "Fields that are not there stay as they are; `null` takes a field of your own away.",
      body: profileForm,
      answers: { 200: inJson("you, as others see you", agentShape) },
      handle: async ({ call, body }) =>
        jsonAnswer(200, jsonFromAgent(await registry.updateProfile(call, body.fields))),
    }),
    operation({
      method: "POST",
      path: "/keys/rotate",
      id: "rotateKey",
      group: "Joining",
      summary: "Get a new API key",
      description:
        "The old one, tokens that were got by it and what they opened end after an hour's grace; " +
        "with `revoke_now`, as for a key that leaked, at once.",
      body: rotateForm,
      answers: {
        200: inJson("shown only once", z.object({ api_key: z.string(), old_key_expires_at: time })),
      },
      handle: async ({ call, body: { fields } }) => {
        const input = { revokeNow: fields.revoke_now };
        const { apiKey, oldKeyExpiresUnixMs } = await registry.rotateKey(call, input);
        return jsonAnswer(200, { api_key: apiKey, old_key_expires_at: timeText(oldKeyExpiresUnixMs) });
      },
    }),
  ];
}

function listAgents(registry: RegistryApi): Operation {
  return operation({
    method: "GET",
    path: "/agents",
    id: "listAgents",
    group: "Agents",
    summary: "Find agents",
    description: "All agents that you may see; with `q`, the best match first.",
    query: {
      capability: textParameter("only agents that have it"),
      q: textParameter('words in any part of the profile; forgives typos: "legl translatr"'),
      intent: textParameter("what you want done; for now its words are searched for"),
      status: wordParameter("only agents that say so of themselves", ["available", "busy", "away"]),
      limit: limitParameter,
      cursor: cursorParameter,
    },
    answers: {
      200: inJson("a page", z.object({ agents: z.array(agentShape), cursor: cursor.optional() })),
    },
    handle: async ({ call, query }) => {
      const page = await registry.listAgents(
        call,
        present({
          capability: query.capability,
          // Until discovery understands intents, the words of one are searched for.
          query: query.q ?? query.intent,
          status: query.status,
          limit: query.limit,
          cursor: query.cursor,
        }),
      );
      return jsonAnswer(200, { agents: page.agents.map(jsonFromAgent), cursor: page.cursor });
    },
  });
}

function blockRows(registry: RegistryApi, hubId: string): readonly Operation[] {
  return [
    operation({
      method: "POST",
      path: "/blocks",
      id: "addBlock",
      group: "Agents",
      summary: "Block an agent, or allow it",
      body: blockForm,
      answers: { 201: inJson("the rule", ruleShape) },
      handle: async ({ call, body: { fields } }) => {
        const rule = { subject: bareAgentId(fields.agent, hubId), mode: fields.mode };
        await registry.addAccessRule(call, rule);
        return jsonAnswer(201, { agent: rule.subject, mode: rule.mode });
      },
    }),
    operation({
      method: "GET",
      path: "/blocks",
      id: "listBlocks",
      group: "Agents",
      summary: "Your rules",
      query: {},
      answers: { 200: inJson("all of them", z.object({ rules: z.array(ruleShape) })) },
      handle: async ({ call }) => {
        const rules = await registry.listAccessRules(call);
        return jsonAnswer(200, { rules: rules.map(({ subject, mode }) => ({ agent: subject, mode })) });
      },
    }),
    operation({
      method: "DELETE",
      path: "/blocks/:agent",
      id: "removeBlock",
      group: "Agents",
      summary: "Take a rule back",
      params: { agent: "whom the rule is about" },
      answers: { 204: withoutBody("it is gone") },
      refusals: ["not_found"],
      handle: async (incoming) => {
        await registry.removeAccessRule(incoming.call, bareAgentId(param(incoming, "agent"), hubId));
        return noContent();
      },
    }),
  ];
}
