import { objectsMember, textMember } from "./answer.ts";
import { callHub, type HubAccess } from "./hub-client.ts";
import type { InboxSource, InboxSourceOptions } from "./inbox-source.ts";

const WAIT_S = 30;

/** The inbox by long poll, for hubs without a WebSocket. */
export function createInboxPoll(access: HubAccess, options: InboxSourceOptions): InboxSource {
  const { signal } = options;
  return {
    async *batches() {
      let { cursor } = options;
      while (!signal.aborted) {
        const page = await callHub(access, {
          path: "/messages",
          query: { wait: WAIT_S, ack: "manual", cursor },
          waitS: WAIT_S,
          signal,
        });
        cursor = textMember(page, "cursor") ?? cursor;
        const messages = objectsMember(page, "messages");
        if (messages.length > 0) yield messages;
      }
    },
    ack: async (cursor) => {
      await callHub(access, { method: "POST", path: "/messages/ack", body: { cursor } });
    },
    close: () => Promise.resolve(),
  };
}
