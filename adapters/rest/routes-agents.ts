import { z } from "zod";
import type { RegistryApi } from "../../src/adapter-kit.ts";
import { jsonAnswer, noContent, timeText } from "./answers.ts";
import { readBody } from "./body.ts";
import { type Operation, param } from "./inbound.ts";
import { present } from "./present.ts";
import { jsonFromAgent, PROFILE_EXPECTS, profileSchema } from "./profile.ts";
import { limitFromQuery, readQuery, wordFromQuery } from "./query.ts";

const profileForm = { schema: profileSchema, expects: PROFILE_EXPECTS };
const planForm = {
  schema: z.strictObject({ plan: z.enum(["open", "free", "pro"]) }),
  expects: '{"plan": "open|free|pro"}',
};
const blockForm = {
  schema: z.strictObject({ agent: z.string().min(1), mode: z.enum(["block", "allow"]).default("block") }),
  expects: '{"agent": "<agent id or agent@hub>", "mode"?: "block|allow"}',
};
const nothingForm = { schema: z.strictObject({}), expects: "no body", mayBeEmpty: true };

/** Agents, their profiles and keys, and who may reach whom. */
export function agentOperations(registry: RegistryApi, hubId: string): readonly Operation[] {
  return [...agentRows(registry, hubId), ...blockRows(registry, hubId), listAgents(registry)];
}

function agentRows(registry: RegistryApi, hubId: string): readonly Operation[] {
  return [
    {
      method: "GET",
      path: "/agents/:id",
      handle: async (incoming) => {
        const agent = await registry.getAgent(incoming.call, bareId(param(incoming, "id"), hubId));
        return jsonAnswer(200, jsonFromAgent(agent));
      },
    },
    {
      method: "DELETE",
      path: "/agents/:id",
      handle: async (incoming) => {
        await registry.deleteAgent(incoming.call, bareId(param(incoming, "id"), hubId));
        return noContent();
      },
    },
    {
      method: "PUT",
      path: "/agents/:id/plan",
      handle: async (incoming) => {
        const { fields } = await readBody(incoming.request, planForm);
        const agentId = bareId(param(incoming, "id"), hubId);
        return jsonAnswer(200, jsonFromAgent(await registry.setPlan(incoming.call, agentId, fields.plan)));
      },
    },
    {
      method: "PATCH",
      path: "/profile",
      handle: async ({ call, request }) => {
        const { fields } = await readBody(request, profileForm);
        return jsonAnswer(200, jsonFromAgent(await registry.updateProfile(call, fields)));
      },
    },
    {
      method: "POST",
      path: "/keys/rotate",
      handle: async ({ call, request }) => {
        await readBody(request, nothingForm);
        const { apiKey, oldKeyExpiresUnixMs } = await registry.rotateKey(call);
        return jsonAnswer(200, { api_key: apiKey, old_key_expires_at: timeText(oldKeyExpiresUnixMs) });
      },
    },
  ];
}

function listAgents(registry: RegistryApi): Operation {
  return {
    method: "GET",
    path: "/agents",
    handle: async ({ call, request }) => {
      const query = readQuery(request, ["capability", "q", "intent", "status", "limit", "cursor"]);
      const page = await registry.listAgents(
        call,
        present({
          capability: query.get("capability"),
          // Until discovery understands intents, the words of one are searched for.
          query: query.get("q") ?? query.get("intent"),
          status: wordFromQuery(query, "status", ["available", "busy", "away"]),
          limit: limitFromQuery(query),
          cursor: query.get("cursor"),
        }),
      );
      return jsonAnswer(200, { agents: page.agents.map(jsonFromAgent), cursor: page.cursor });
    },
  };
}

function blockRows(registry: RegistryApi, hubId: string): readonly Operation[] {
  return [
    {
      method: "POST",
      path: "/blocks",
      handle: async ({ call, request }) => {
        const { fields } = await readBody(request, blockForm);
        const rule = { subject: bareId(fields.agent, hubId), mode: fields.mode };
        await registry.addAccessRule(call, rule);
        return jsonAnswer(201, { agent: rule.subject, mode: rule.mode });
      },
    },
    {
      method: "GET",
      path: "/blocks",
      handle: async ({ call, request }) => {
        readQuery(request, []);
        const rules = await registry.listAccessRules(call);
        return jsonAnswer(200, { rules: rules.map(({ subject, mode }) => ({ agent: subject, mode })) });
      },
    },
    {
      method: "DELETE",
      path: "/blocks/:agent",
      handle: async (incoming) => {
        await registry.removeAccessRule(incoming.call, bareId(param(incoming, "agent"), hubId));
        return noContent();
      },
    },
  ];
}

/** An agent of this hub is known by its bare id, in whatever form it is named. */
function bareId(id: string, hubId: string): string {
  const suffix = `@${hubId}`;
  return id.endsWith(suffix) ? id.slice(0, -suffix.length) : id;
}
