import { z } from "zod";
import { type RegistryApi, time, timeText } from "../../src/adapter-kit.ts";
import { jsonAnswer } from "./answers.ts";
import { type Operation, operation } from "./operation.ts";
import { inJson } from "./shapes.ts";

const nothingForm = { schema: z.strictObject({}), expects: "no body", mayBeEmpty: true };

/** What stands for a token in a URL, for browsers: they can set no header on an EventSource or a WebSocket. */
export function ticketOperations(registry: RegistryApi): readonly Operation[] {
  return [
    operation({
      method: "POST",
      path: "/tickets",
      id: "issueTicket",
      group: "Joining",
      summary: "Get a ticket, where no header can be set",
      description:
        "It opens one `/messages/stream?ticket=…` or one WebSocket `/ws?ticket=…` within a minute, and nothing else; " +
        "what it opened ends with the token that it was got by.",
      body: nothingForm,
      answers: { 201: inJson("good once", z.object({ ticket: z.string(), expires_at: time })) },
      handle: async ({ call }) => {
        const { ticket, expiresUnixMs } = await registry.issueTicket(call);
        return jsonAnswer(201, { ticket, expires_at: timeText(expiresUnixMs) });
      },
    }),
  ];
}
