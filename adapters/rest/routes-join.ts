import { z } from "zod";
import type { HttpResponse, RegistryApi } from "../../src/adapter-kit.ts";
import { meshErrorFromUnknown } from "../../src/adapter-kit.ts";
import { jsonAnswer, noContent, timeText } from "./answers.ts";
import { readBody } from "./body.ts";
import { headersFromError, STATUS_FROM_CODE } from "./errors.ts";
import { type Incoming, type Operation, param } from "./inbound.ts";
import { joinJson, joinMarkdown, refusalMarkdown } from "./join-page.ts";
import { present } from "./present.ts";
import { jsonFromInvite, PROFILE_EXPECTS, profileSchema } from "./profile.ts";
import { readQuery } from "./query.ts";

const texts = z.array(z.string()).exactOptional();
const inviteForm = {
  schema: z.strictObject({
    max_uses: z.number().int().min(1).exactOptional(),
    expires_in_s: z.number().int().min(1).exactOptional(),
    capabilities: texts,
  }),
  expects: '{"max_uses"?: 1, "expires_in_s"?: 86400, "capabilities"?: ["…"]}',
  mayBeEmpty: true,
};
const joinForm = {
  schema: z.strictObject({
    agent_id: z.string().min(1),
    capabilities: texts,
    description: z.string().exactOptional(),
    public_key: z.string().min(1).exactOptional(),
    profile: profileSchema.optional(),
  }),
  expects: `{"agent_id": "<your id>", "capabilities"?: ["…"], "description"?, "public_key"?, "profile"?: ${PROFILE_EXPECTS}}`,
};
const registerForm = {
  schema: z.strictObject({ agent_id: z.string().min(1), api_key: z.string().min(1) }),
  expects: '{"agent_id": "<your id>", "api_key": "<the key that join gave>"}',
};

/** Invites, joining by one, and tokens. */
export function joinOperations(registry: RegistryApi, publicUrl: () => string): readonly Operation[] {
  return [...inviteRows(registry), showInvite(registry, publicUrl), ...entryRows(registry, publicUrl)];
}

function inviteRows(registry: RegistryApi): readonly Operation[] {
  return [
    {
      method: "POST",
      path: "/invites",
      handle: async ({ call, request }) => {
        const { fields } = await readBody(request, inviteForm);
        const { max_uses: maxUses, expires_in_s: expiresInS, capabilities } = fields;
        const invite = await registry.createInvite(call, present({ maxUses, expiresInS, capabilities }));
        return jsonAnswer(201, jsonFromInvite(invite));
      },
    },
    {
      method: "GET",
      path: "/invites",
      handle: async ({ call, request }) => {
        readQuery(request, []);
        const invites = await registry.listInvites(call);
        return jsonAnswer(200, { invites: invites.map(jsonFromInvite) });
      },
    },
    {
      method: "DELETE",
      path: "/invites/:nonce",
      handle: async (incoming) => {
        await registry.revokeInvite(incoming.call, param(incoming, "nonce"));
        return noContent();
      },
    },
  ];
}

function entryRows(registry: RegistryApi, publicUrl: () => string): readonly Operation[] {
  return [
    {
      method: "POST",
      path: "/join/:nonce",
      open: true,
      handle: async (incoming) => {
        const { fields } = await readBody(incoming.request, joinForm);
        const { agent_id: agentId, public_key: publicKey, description, capabilities } = fields;
        const profile = { ...fields.profile, ...present({ description, capabilities }) };
        const input = { nonce: param(incoming, "nonce"), agentId, profile, ...present({ publicKey }) };
        const joined = await registry.join(incoming.call, input);
        return jsonAnswer(201, {
          agent_id: joined.agentId,
          api_key: joined.apiKey,
          token: joined.token,
          token_expires_at: timeText(joined.tokenExpiresUnixMs),
          hub: joined.hubId,
          url: publicUrl(),
        });
      },
    },
    {
      method: "POST",
      path: "/register",
      open: true,
      handle: async ({ call, request }) => {
        const { fields } = await readBody(request, registerForm);
        const input = { agentId: fields.agent_id, apiKey: fields.api_key };
        const { token, expiresUnixMs } = await registry.register(call, input);
        return jsonAnswer(200, { token, expires_at: timeText(expiresUnixMs) });
      },
    },
  ];
}

/** For whoever was handed the invite's URL: a text that an agent can follow, refusals included. */
function showInvite(registry: RegistryApi, publicUrl: () => string): Operation {
  return {
    method: "GET",
    path: "/join/:nonce",
    open: true,
    handle: async (incoming) => {
      const wantsJson = asksForJson(incoming);
      try {
        const invite = await registry.describeInvite(incoming.call, param(incoming, "nonce"));
        if (wantsJson) return withVary(jsonAnswer(200, joinJson(invite, publicUrl())));
        return markdown(200, joinMarkdown(invite, publicUrl()));
      } catch (thrown) {
        const error = meshErrorFromUnknown(thrown);
        if (wantsJson || error.code === "internal") throw thrown;
        const page = markdown(STATUS_FROM_CODE[error.code], refusalMarkdown(error));
        return { ...page, headers: { ...page.headers, ...headersFromError(error) } };
      }
    },
  };
}

function asksForJson({ request }: Incoming): boolean {
  const accept = (request.headers.get("accept") ?? "").toLowerCase();
  return accept.includes("application/json") && !/text\/(markdown|html)/.test(accept);
}

function markdown(status: number, body: string): HttpResponse {
  const headers = { "content-type": "text/markdown; charset=utf-8", "cache-control": "no-store" };
  return withVary({ status, headers, body });
}

function withVary(response: HttpResponse): HttpResponse {
  return { ...response, headers: { ...response.headers, vary: "accept" } };
}
