import type { StreamName } from "../ports/message-log.ts";

/** The stream that holds what an agent is to read. */
export function inboxStream(agentId: string): StreamName {
  return `inbox/${agentId}`;
}

/** The stream that holds each message of a channel once. */
export function channelStream(channelId: string): StreamName {
  return `channel/${channelId}`;
}

/** Whose inbox it is; undefined for other streams. */
export function ownerOfInbox(stream: StreamName): string | undefined {
  return stream.startsWith("inbox/") ? stream.slice(6) : undefined;
}
