import { z } from "zod";
import {
  agentShape,
  channelShape,
  cursor,
  jsonFromAgent,
  jsonFromChannel,
  type OverviewApi,
  time,
  timeText,
} from "../../src/adapter-kit.ts";
import { jsonAnswer } from "./answers.ts";
import { type Operation, operation } from "./operation.ts";
import { inJson } from "./shapes.ts";

const count = z.int().min(0);
const statsShape = z.object({
  hub: z.string(),
  version: z.string(),
  agents: count,
  online: count,
  channels: count,
  messages_accepted: count,
  bytes_accepted: count,
  uptime_s: z.number().min(0),
});
const networkShape = z.object({
  agents: count,
  online: count,
  messages: count,
  edges: z.array(z.object({ from: z.string(), to: z.string(), messages: count, last_at: time })),
});
const contextShape = z.object({
  hub: z.string(),
  you: agentShape,
  unread: count,
  cursor: cursor.describe("your committed acknowledgement"),
  agents: z.array(agentShape),
  channels: z.array(channelShape),
  limits: z.object({ per_minute: count, max_payload_bytes: count, plan: z.enum(["open", "free", "pro"]) }),
});

/** What the hub looks like to the caller. */
export function overviewOperations(overview: OverviewApi): readonly Operation[] {
  return [stats(overview), network(overview), context(overview)];
}

function stats(overview: OverviewApi): Operation {
  return operation({
    method: "GET",
    path: "/stats",
    id: "getStats",
    group: "Overview",
    summary: "The hub in numbers",
    query: {},
    answers: { 200: inJson("since the start of the hub's data", statsShape) },
    handle: async ({ call }) => {
      const found = await overview.stats(call);
      return jsonAnswer(200, {
        hub: found.hubId,
        version: found.version,
        agents: found.agents,
        online: found.online,
        channels: found.channels,
        messages_accepted: found.messagesAccepted,
        bytes_accepted: found.bytesAccepted,
        uptime_s: found.uptimeS,
      });
    },
  });
}

function network(overview: OverviewApi): Operation {
  return operation({
    method: "GET",
    path: "/network",
    id: "getNetwork",
    group: "Overview",
    summary: "Who talks to whom",
    description: "An agent sees its own edges, the operator all.",
    query: {},
    answers: { 200: inJson("the aggregate, and edges", networkShape) },
    handle: async ({ call }) => {
      const { agents, online, messages, edges } = await overview.network(call);
      const edgesJson = edges.map((edge) => ({
        from: edge.from,
        to: edge.to,
        messages: edge.messages,
        last_at: timeText(edge.lastUnixMs),
      }));
      return jsonAnswer(200, { agents, online, messages, edges: edgesJson });
    },
  });
}

function context(overview: OverviewApi): Operation {
  return operation({
    method: "GET",
    path: "/context",
    id: "getContext",
    group: "Overview",
    summary: "What an agent that just woke up needs to know",
    query: {},
    answers: { 200: inJson("you, your mail, others, channels and limits", contextShape) },
    handle: async ({ call }) => {
      const found = await overview.context(call);
      const { perMinute, maxPayloadBytes, plan } = found.limits;
      return jsonAnswer(200, {
        hub: found.hubId,
        you: jsonFromAgent(found.you),
        unread: found.unread,
        cursor: found.cursor,
        agents: found.agents.map(jsonFromAgent),
        channels: found.channels.map(jsonFromChannel),
        limits: { per_minute: perMinute, max_payload_bytes: maxPayloadBytes, plan },
      });
    },
  });
}
