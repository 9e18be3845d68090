import { z } from "zod";
import {
  type AnswerObject,
  type NewReachCredential,
  type ReachApi,
  type ReachCredentialView,
  timeText,
} from "../../src/adapter-kit.ts";
import { jsonAnswer, noContent } from "./answers.ts";
import { type Operation, operation } from "./operation.ts";
import { inJson, reachCredentialShape, withoutBody } from "./shapes.ts";

const secret = z.string().min(1).max(8192);
const credentialForm = {
  schema: z
    .strictObject({
      origin: z.string().min(1).max(300).describe("the only place that it is sent to: https://agent.example"),
      bearer: secret.optional().describe("a token, sent as `Authorization: Bearer …`"),
      header: z.string().min(1).max(64).optional().describe("name of the header, such as `x-api-key`"),
      value: secret.optional().describe("all of the header's value"),
    })
    .refine(
      ({ bearer, header, value }) => (bearer === undefined) !== (header === undefined && value === undefined),
      {
        error: "give either bearer, or header and value",
      },
    )
    .refine(({ header, value }) => (header === undefined) === (value === undefined), {
      error: "header and value go together",
    }),
  expects:
    '{"origin": "https://…", "bearer": "…"} or {"origin": "https://…", "header": "x-api-key", "value": "…"}',
  example: { origin: "https://agent.example", bearer: "its token" },
};
type Fields = z.output<typeof credentialForm.schema>;

/** What the hub shows to the agent elsewhere that the caller stands for. */
export function reachOperations(reach: ReachApi): readonly Operation[] {
  const row = { path: "/profile/reach/credential", group: "Agents" } as const;
  return [
    operation({
      ...row,
      method: "PUT",
      id: "setReachCredential",
      summary: "Set the credential for where you are reached",
      description:
        "Of an agent with `reach` in its profile: a header that the hub sends with each call to that origin, and to no " +
        "other, redirects included. In the place of the one that was set; its value is never shown again.",
      body: credentialForm,
      answers: { 200: inJson("what is set", reachCredentialShape) },
      handle: async ({ call, body: { fields } }) =>
        jsonAnswer(200, jsonFromCredential(await reach.setCredential(call, credentialFrom(fields)))),
    }),
    operation({
      ...row,
      method: "GET",
      id: "getReachCredential",
      summary: "Which credential is set for where you are reached",
      query: {},
      answers: { 200: inJson("what is set, without its value", reachCredentialShape) },
      refusals: ["not_found"],
      handle: async ({ call }) => jsonAnswer(200, jsonFromCredential(await reach.getCredential(call))),
    }),
    operation({
      ...row,
      method: "DELETE",
      id: "removeReachCredential",
      summary: "Take the credential for where you are reached away",
      answers: { 204: withoutBody("it is gone") },
      refusals: ["not_found"],
      handle: async ({ call }) => {
        await reach.removeCredential(call);
        return noContent();
      },
    }),
  ];
}

function credentialFrom({ origin, bearer, header, value = "" }: Fields): NewReachCredential {
  if (bearer !== undefined) return { origin, value: `Bearer ${bearer}` };
  return { origin, value, ...(header !== undefined && { header }) };
}

function jsonFromCredential({ origin, header, setUnixMs }: ReachCredentialView): AnswerObject {
  return { origin, header, set_at: timeText(setUnixMs) };
}
