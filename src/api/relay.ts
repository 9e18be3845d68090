import type { Attachments } from "../core/attachments.ts";
import type { History } from "../core/history.ts";
import type { Ladder } from "../core/ladder.ts";
import type { Receive } from "../core/receive.ts";
import type { Relay } from "../core/relay.ts";
import { type MeshError, meshErrorFromUnknown } from "../model/errors.ts";
import { cursorFromPosition, positionFromCursor } from "../model/position.ts";
import { requireAgent } from "../model/principal.ts";
import type { RelayApi } from "./relay-api.ts";

export interface RelayApiDeps {
  readonly relay: Relay;
  readonly receive: Receive;
  readonly attachments: Attachments;
  readonly ladder: Ladder;
  readonly history: History;
}

/** Binds the relay to its callers: every call is an agent's, about its own inbox. */
export function createRelayApi(deps: RelayApiDeps): RelayApi {
  const { relay, receive, attachments, ladder, history } = deps;
  return {
    send(call, input) {
      // Not async: a session sends thousands a second, and each promise costs.
      if (call.principal.kind === "agent") return relay.send(call.principal.agentId, input);
      return Promise.reject(refusal(() => requireAgent(call.principal)));
    },
    async request(call, input, waitMs) {
      const agent = requireAgent(call.principal);
      const wait = { waitMs, signal: call.signal, from: answererOf(input.to) };
      return receive.awaitReply(agent, wait, () => relay.send(agent.agentId, input));
    },
    receive: async (call, input) => receive.receive(requireAgent(call.principal), input, call.signal),
    async acknowledge(call, cursor) {
      const { agentId } = requireAgent(call.principal);
      return cursorFromPosition(await attachments.commit(agentId, positionFromCursor(cursor)));
    },
    attach: async (call, input, sink) => attachments.attach(requireAgent(call.principal), input, sink),
    status: async (call, messageId) => ladder.status(requireAgent(call.principal).agentId, messageId),
    markProcessed: async (call, messageId, result) =>
      ladder.markProcessed(requireAgent(call.principal).agentId, messageId, result),
    history: async (call, input) => history.page(requireAgent(call.principal).agentId, input),
    deadMessages: async (call, input) => ladder.dead(requireAgent(call.principal).agentId, input),
    redrive: async (call, messageId) => ladder.redrive(requireAgent(call.principal).agentId, messageId),
  };
}

function refusal(check: () => unknown): MeshError {
  try {
    check();
  } catch (thrown) {
    return meshErrorFromUnknown(thrown);
  }
  return meshErrorFromUnknown(undefined);
}

/** Who may answer: the receiver, bare as a local agent is shown in envelopes; any member of a channel. */
function answererOf(to: string): string | undefined {
  return to.startsWith("#") ? undefined : to.split("@", 1)[0];
}
