import type { OverviewApi } from "../../src/adapter-kit.ts";
import { jsonAnswer, timeText } from "./answers.ts";
import { jsonFromChannel } from "./channel-json.ts";
import type { Operation } from "./inbound.ts";
import { jsonFromAgent } from "./profile.ts";
import { readQuery } from "./query.ts";

/** What the hub looks like to the caller. */
export function overviewOperations(overview: OverviewApi): readonly Operation[] {
  return [
    {
      method: "GET",
      path: "/stats",
      handle: async ({ call, request }) => {
        readQuery(request, []);
        const stats = await overview.stats(call);
        return jsonAnswer(200, {
          hub: stats.hubId,
          version: stats.version,
          agents: stats.agents,
          online: stats.online,
          channels: stats.channels,
          messages_accepted: stats.messagesAccepted,
          bytes_accepted: stats.bytesAccepted,
          uptime_s: stats.uptimeS,
        });
      },
    },
    {
      method: "GET",
      path: "/network",
      handle: async ({ call, request }) => {
        readQuery(request, []);
        const { agents, online, messages, edges } = await overview.network(call);
        const edgesJson = edges.map((edge) => ({
          from: edge.from,
          to: edge.to,
          messages: edge.messages,
          last_at: timeText(edge.lastUnixMs),
        }));
        return jsonAnswer(200, { agents, online, messages, edges: edgesJson });
      },
    },
    {
      method: "GET",
      path: "/context",
      handle: async ({ call, request }) => {
        readQuery(request, []);
        const context = await overview.context(call);
        const { perMinute, maxPayloadBytes, plan } = context.limits;
        return jsonAnswer(200, {
          hub: context.hubId,
          you: jsonFromAgent(context.you),
          unread: context.unread,
          cursor: context.cursor,
          agents: context.agents.map(jsonFromAgent),
          channels: context.channels.map(jsonFromChannel),
          limits: { per_minute: perMinute, max_payload_bytes: maxPayloadBytes, plan },
        });
      },
    },
  ];
}
