import { z } from "zod";
import {
  type HttpResponse,
  meshErrorFromUnknown,
  PROFILE_EXPECTS,
  present,
  profileSchema,
  type RegistryApi,
  time,
  timeText,
} from "../../src/adapter-kit.ts";
import { jsonAnswer, noContent } from "./answers.ts";
import { headersFromError, STATUS_FROM_CODE } from "./errors.ts";
import { type Incoming, param } from "./incoming.ts";
import { jsonFromInvite } from "./invite-json.ts";
import { joinJson, joinMarkdown, refusalMarkdown } from "./join-page.ts";
import { type Operation, operation } from "./operation.ts";
import { inJson, inviteShape, joinPageShape, withoutBody } from "./shapes.ts";

const texts = z.array(z.string()).exactOptional();
const inviteForm = {
  schema: z.strictObject({
    max_uses: z.number().int().min(1).exactOptional().describe("absent = 1"),
    expires_in_s: z.number().int().min(1).exactOptional().describe("absent = a day"),
    capabilities: texts.describe("that those who join by it get"),
  }),
  expects: '{"max_uses"?: 1, "expires_in_s"?: 86400, "capabilities"?: ["…"]}',
  example: { max_uses: 5 },
  mayBeEmpty: true,
};
const joinForm = {
  schema: z.strictObject({
    agent_id: z.string().min(1).describe("lower-case letters, digits and inner hyphens, at most 63"),
    capabilities: texts,
    description: z.string().exactOptional(),
    public_key: z.string().min(1).exactOptional(),
    profile: profileSchema.optional(),
  }),
  expects: `{"agent_id": "<your id>", "capabilities"?: ["…"], "description"?, "public_key"?, "profile"?: ${PROFILE_EXPECTS}}`,
  example: { agent_id: "alice", description: "translates contracts", capabilities: ["translate"] },
};
const registerForm = {
  schema: z.strictObject({ agent_id: z.string().min(1), api_key: z.string().min(1) }),
  expects: '{"agent_id": "<your id>", "api_key": "<the key that join gave>"}',
  example: { agent_id: "alice", api_key: "mk_…" },
};
const joinedShape = z.object({
  agent_id: z.string(),
  api_key: z.string().describe("shown only once"),
  token: z.string(),
  token_expires_at: time,
  hub: z.string(),
  url: z.url(),
});
const NONCE = "the secret part of the invite's URL";

/** Invites, joining by one, and tokens. */
export function joinOperations(registry: RegistryApi, publicUrl: () => string): readonly Operation[] {
  return [...inviteRows(registry), showInvite(registry, publicUrl), ...entryRows(registry, publicUrl)];
}

function inviteRows(registry: RegistryApi): readonly Operation[] {
  return [
    operation({
      method: "POST",
      path: "/invites",
      id: "createInvite",
      group: "Joining",
      summary: "Invite agents",
      body: inviteForm,
      answers: { 201: inJson("the invite", inviteShape) },
      handle: async ({ call, body }) => {
        const { max_uses: maxUses, expires_in_s: expiresInS, capabilities } = body.fields;
        const invite = await registry.createInvite(call, present({ maxUses, expiresInS, capabilities }));
        return jsonAnswer(201, jsonFromInvite(invite));
      },
    }),
    operation({
      method: "GET",
      path: "/invites",
      id: "listInvites",
      group: "Joining",
      summary: "Your invites",
      description: "The operator sees all.",
      query: {},
      answers: { 200: inJson("all of them", z.object({ invites: z.array(inviteShape) })) },
      handle: async ({ call }) => {
        const invites = await registry.listInvites(call);
        return jsonAnswer(200, { invites: invites.map(jsonFromInvite) });
      },
    }),
    operation({
      method: "DELETE",
      path: "/invites/:nonce",
      id: "revokeInvite",
      group: "Joining",
      summary: "Take an invite back",
      params: { nonce: NONCE },
      answers: { 204: withoutBody("it is gone") },
      refusals: ["not_found"],
      handle: async (incoming) => {
        await registry.revokeInvite(incoming.call, param(incoming, "nonce"));
        return noContent();
      },
    }),
  ];
}

function entryRows(registry: RegistryApi, publicUrl: () => string): readonly Operation[] {
  return [
    operation({
      method: "POST",
      path: "/join/:nonce",
      open: true,
      id: "join",
      group: "Joining",
      summary: "Become an agent of the hub",
      params: { nonce: NONCE },
      body: joinForm,
      answers: { 201: inJson("who you are from now on", joinedShape) },
      refusals: ["permission_denied", "not_found", "already_exists", "gone"],
      handle: async (incoming) => {
        const { fields } = incoming.body;
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
    }),
    operation({
      method: "POST",
      path: "/register",
      open: true,
      id: "register",
      group: "Joining",
      summary: "Trade your API key for a token",
      body: registerForm,
      answers: { 200: inJson("good for 24 hours", z.object({ token: z.string(), expires_at: time })) },
      refusals: ["unauthenticated"],
      handle: async ({ call, body: { fields } }) => {
        const input = { agentId: fields.agent_id, apiKey: fields.api_key };
        const { token, expiresUnixMs } = await registry.register(call, input);
        return jsonAnswer(200, { token, expires_at: timeText(expiresUnixMs) });
      },
    }),
  ];
}

/** For whoever was handed the invite's URL: a text that an agent can follow, refusals included. */
function showInvite(registry: RegistryApi, publicUrl: () => string): Operation {
  return operation({
    method: "GET",
    path: "/join/:nonce",
    open: true,
    id: "showInvite",
    group: "Joining",
    summary: "What an invite offers, step by step",
    description: "A text that an agent can follow; with `Accept: application/json` the same for a program.",
    params: { nonce: NONCE },
    answers: {
      200: {
        description: "how to join",
        content: { "text/markdown": z.string(), "application/json": joinPageShape },
      },
    },
    refusals: ["not_found", "gone"],
    refusalType: "text/markdown",
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
  });
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
