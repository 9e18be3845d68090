import { type Address, parseAddress } from "../model/address.ts";
import { MeshError } from "../model/errors.ts";
import { createLru, type Lru } from "../model/lru.ts";
import type { AccessRule } from "../ports/access-store.ts";
import type { Directory } from "../ports/directory.ts";
import type { StreamName } from "../ports/message-log.ts";
import { channelStream, inboxStream } from "./streams.ts";

/** Where a message from one agent to one address goes, access checked. */
export interface Route {
  readonly kind: "inbox" | "channel";
  /** As it stands in the envelope: local agents bare. */
  readonly to: string;
  readonly stream: StreamName;
}

export interface RoutesDeps {
  readonly directory: Directory;
  readonly hubId: string;
  /** Whether the agent may send to the channel. @throws MeshError not_found, permission_denied */
  readonly checkChannel: (agentId: string, channelId: string) => Promise<void>;
}

/** Finds routes and remembers them. */
export interface Routes {
  /** A promise only when something must be looked up. @throws MeshError invalid_argument, not_found, permission_denied */
  resolve(from: string, to: string): Route | Promise<Route>;
  /** After who may reach whom, or who is in a channel, changed. */
  forget(): void;
}

const CACHED_ROUTES = 100_000;

function emptyCache(): Lru<Route | Promise<Route>> {
  return createLru<Route | Promise<Route>>({ maxWeight: CACHED_ROUTES });
}

/** Remembers up to 100,000 routes until anything changes that may close one. */
export function createRoutes(deps: RoutesDeps): Routes {
  let cache = emptyCache();

  function forget(): void {
    cache = emptyCache();
  }

  deps.directory.onChange((_agentId, what) => {
    if (what !== "joined" && what !== "plan") forget();
  });

  async function look(from: string, to: string): Promise<Route> {
    const address = parseAddress(to, deps.hubId);
    if (address.kind === "channel") {
      await deps.checkChannel(from, address.channelId);
      return { kind: "channel", to: `#${address.channelId}`, stream: channelStream(address.channelId) };
    }
    return routeToAgent(deps.directory, from, address);
  }

  return {
    forget,
    resolve(from, to) {
      const key = `${from}\n${to}`;
      const known = cache.get(key);
      if (known !== undefined) return known;
      // The promise itself is kept, so that messages which wait for it keep their order.
      const found = look(from, to);
      // What is found after a `forget` may be of before: it goes where nobody looks any more.
      const asked = cache;
      asked.set(key, found);
      found.then(
        (route) => asked.set(key, route),
        () => asked.delete(key),
      );
      return found;
    },
  };
}

async function routeToAgent(
  directory: Directory,
  from: string,
  address: Exclude<Address, { kind: "channel" }>,
): Promise<Route> {
  if (address.kind === "remote") {
    throw new MeshError("not_found", `this hub has no link to ${address.hubId}`, {
      hint: "links to other hubs come with federation; local agents are addressed without a hub",
    });
  }
  const agent = await directory.lookup(address.agentId);
  if (agent === undefined) {
    throw new MeshError("not_found", `no agent named ${address.agentId}`, {
      hint: "GET /agents lists who is here",
    });
  }
  const rules = await directory.rules(address.agentId);
  if (from !== address.agentId && !mayReach(rules, from)) {
    throw new MeshError("permission_denied", `${address.agentId} does not take messages from you`, {
      hint: "ask it for permission by another way",
    });
  }
  return { kind: "inbox", to: address.agentId, stream: inboxStream(address.agentId) };
}

/** A block refuses; once there is an allow rule, only allowed ones pass. */
export function mayReach(rules: readonly AccessRule[], from: string): boolean {
  let hasAllowList = false;
  for (const rule of rules) {
    if (rule.subject === from) return rule.mode === "allow";
    hasAllowList ||= rule.mode === "allow";
  }
  return !hasAllowList;
}
