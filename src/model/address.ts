import { MeshError } from "./errors.ts";

/** What a message can be sent to. Ids are unchecked as to whether anybody has them. */
export type Address =
  | { readonly kind: "agent"; readonly agentId: string }
  | { readonly kind: "remote"; readonly agentId: string; readonly hubId: string }
  | { readonly kind: "channel"; readonly channelId: string };

const ID_PATTERN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const HUB_PATTERN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(:\d{1,5})?$/;
/** An id is a DNS label. */
export const MAX_ID_LENGTH = 63;

/** Ids that would be mistaken for the hub's own voice. */
const RESERVED_IDS: ReadonlySet<string> = new Set(["hub", "admin", "meshkore", "guest", "system"]);

/** Whether `text` may name an agent or a channel: a DNS label in lower case. */
export function isId(text: string): boolean {
  return text.length <= MAX_ID_LENGTH && ID_PATTERN.test(text);
}

/** Whether `text` may name a hub: a domain, with a port where it needs one. */
export function isHubId(text: string): boolean {
  return text.length <= 255 && HUB_PATTERN.test(text);
}

/** Whether the id is kept for the hub itself. */
export function isReservedId(text: string): boolean {
  return RESERVED_IDS.has(text);
}

/**
 * Reads `agent`, `agent@hub` or `#channel`. An address at `localHubId` is a local agent.
 * @throws MeshError invalid_argument
 */
export function parseAddress(text: string, localHubId: string): Address {
  if (text.startsWith("#")) {
    const channelId = text.slice(1);
    if (isId(channelId)) return { kind: "channel", channelId };
    throw badAddress(text);
  }
  const at = text.indexOf("@");
  if (at === -1) {
    if (isId(text)) return { kind: "agent", agentId: text };
    throw badAddress(text);
  }
  const agentId = text.slice(0, at);
  const hubId = text.slice(at + 1);
  if (!isId(agentId) || !isHubId(hubId)) throw badAddress(text);
  return hubId === localHubId ? { kind: "agent", agentId } : { kind: "remote", agentId, hubId };
}

/** An agent of this hub is known by its bare id, in whatever form it is named. */
export function bareAgentId(id: string, localHubId: string): string {
  const suffix = `@${localHubId}`;
  return id.endsWith(suffix) ? id.slice(0, -suffix.length) : id;
}

/** `#team` and `team` are the same channel wherever only a channel can stand. */
export function bareChannelId(id: string): string {
  return id.startsWith("#") ? id.slice(1) : id;
}

function badAddress(text: string): MeshError {
  return new MeshError("invalid_argument", `not an address: ${JSON.stringify(text.slice(0, 80))}`, {
    hint: "use an agent id (lower-case letters, digits, inner hyphens, at most 63), agent@hub, or #channel",
  });
}
