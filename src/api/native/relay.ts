import { type AttachRequest, RelayService } from "../../gen/meshkore/v1/relay_pb.js";
import { present } from "../../model/present.ts";
import { type Call, requireAgent } from "../../model/principal.ts";
import type { RpcService } from "../../ports/rpc.ts";
import { openLiveInbox } from "../live-inbox.ts";
import { bindService } from "./bind.ts";
import { countOrAbsent, requiredMessage, requiredText, textOrAbsent } from "./fields.ts";
import type { NativeDeps } from "./native-deps.ts";
import {
  messageFromDead,
  messageFromDelivered,
  messageFromHistory,
  messageFromSent,
  messageFromStatus,
  receiveInputFromMessage,
  sendInputFromMessage,
  welcomeFromInbox,
} from "./relay-messages.ts";

/** RelayService over HubApi. */
export function createRelayService(deps: NativeDeps): RpcService {
  const { relay, registry } = deps.api;
  return bindService(
    RelayService,
    {
      session: deps.openSession,
      attach: (request, call) => attach(deps, request, call),
      async send(request, call) {
        return messageFromSent(await relay.send(call, sendInputFromMessage(request, call)));
      },
      async sendAndWait(request, call) {
        const send = sendInputFromMessage(requiredMessage("send", request.send), call);
        const { sent, reply } = await relay.request(call, send, request.waitMs);
        return {
          sent: messageFromSent(sent),
          ...(reply !== undefined && { reply: messageFromDelivered(reply) }),
        };
      },
      async receive(request, call) {
        const { records, cursor } = await relay.receive(call, receiveInputFromMessage(request));
        return { deliver: records.map(messageFromDelivered), cursor };
      },
      async acknowledge({ cursor }, call) {
        const given = requiredText("cursor", cursor, "the cursor of the last message that you handled");
        return { cursor: await relay.acknowledge(call, given) };
      },
      async getMessageStatus({ messageId }, call) {
        return messageFromStatus(await relay.status(call, requiredId(messageId)));
      },
      async markProcessed({ messageId, failed, note }, call) {
        await relay.markProcessed(call, requiredId(messageId), { ok: !failed, note });
        return {};
      },
      async listHistory(request, call) {
        const peer = requiredText("peer", request.peer, "an agent, agent@hub or #channel");
        return messageFromHistory(await relay.history(call, { peer, ...pageFrom(request) }));
      },
      async listDeadMessages(request, call) {
        const { messages, cursor } = await relay.deadMessages(call, pageFrom(request));
        return { messages: messages.map(messageFromDead), cursor: cursor ?? "" };
      },
      async redrive({ messageId }, call) {
        return { sent: messageFromSent(await relay.redrive(call, requiredId(messageId))) };
      },
    },
    { registry },
  );
}

async function* attach(deps: NativeDeps, request: AttachRequest, call: Call) {
  const principal = requireAgent(call.principal);
  const input = present({ cursor: textOrAbsent(request.cursor), window: countOrAbsent(request.window) });
  const inbox = await openLiveInbox(deps.api.relay, call, input);
  try {
    yield welcomeFromInbox(inbox, principal, deps.facts);
    for await (const records of inbox) yield { deliver: records.map(messageFromDelivered) };
  } finally {
    inbox.close();
  }
}

function pageFrom(request: { readonly limit: number; readonly cursor: string }) {
  return present({ limit: countOrAbsent(request.limit), cursor: textOrAbsent(request.cursor) });
}

function requiredId(messageId: string): string {
  return requiredText("message_id", messageId, "the id that the message was accepted under");
}
