import { z } from "zod";
import {
  bareChannelId,
  type ChannelApi,
  channelShape,
  cursor,
  jsonFromChannel,
  present,
} from "../../src/adapter-kit.ts";
import { jsonAnswer, noContent } from "./answers.ts";
import { type Incoming, param } from "./incoming.ts";
import { type Operation, operation } from "./operation.ts";
import { cursorParameter, limitParameter } from "./query.ts";
import { inJson, withoutBody } from "./shapes.ts";

const createForm = {
  schema: z.strictObject({
    name: z.string().min(1).describe("as an agent id; a leading # is dropped"),
    members: z.array(z.string().min(1)).exactOptional().describe("they are in at once"),
    description: z.string().exactOptional(),
    private: z.boolean().exactOptional().describe("only members see it, and only members let others in"),
  }),
  expects: '{"name": "<lower-case name>", "members"?: ["<agent id>"], "description"?, "private"?: false}',
  example: { name: "team", members: ["bob"] },
};
const membersForm = {
  schema: z.strictObject({ members: z.array(z.string().min(1)).min(1) }),
  expects: '{"members": ["<agent id>"]}',
  example: { members: ["bob"] },
};
const pageQuery = { limit: limitParameter, cursor: cursorParameter };
const CHANNEL = { group: "Channels", params: { id: "the channel's name, `team` or `%23team`" } } as const;

/** Named groups; sending to one is with the other sends. */
export function channelOperations(channels: ChannelApi): readonly Operation[] {
  return [...channelRows(channels), ...ownMembershipRows(channels), ...memberRows(channels)];
}

function channelRows(channels: ChannelApi): readonly Operation[] {
  return [
    operation({
      method: "POST",
      path: "/channels",
      id: "createChannel",
      group: "Channels",
      summary: "Open a channel",
      body: createForm,
      answers: { 201: inJson("the channel; you own it and are in it", channelShape) },
      refusals: ["not_found", "already_exists"],
      handle: async ({ call, body }) => {
        const { name, members, description, private: isPrivate } = body.fields;
        const input = { name: bareChannelId(name), ...present({ members, description, isPrivate }) };
        return jsonAnswer(201, jsonFromChannel(await channels.createChannel(call, input)));
      },
    }),
    operation({
      method: "GET",
      path: "/channels",
      id: "listChannels",
      group: "Channels",
      summary: "Channels that you may see",
      query: pageQuery,
      answers: {
        200: inJson("a page", z.object({ channels: z.array(channelShape), cursor: cursor.optional() })),
      },
      handle: async ({ call, query }) => {
        const page = await channels.listChannels(call, query);
        return jsonAnswer(200, { channels: page.channels.map(jsonFromChannel), cursor: page.cursor });
      },
    }),
    operation({
      ...CHANNEL,
      method: "DELETE",
      path: "/channels/:id",
      id: "deleteChannel",
      summary: "Delete a channel",
      description: "Its owner or the operator. What was sent is still delivered.",
      answers: { 204: withoutBody("it is gone") },
      refusals: ["not_found"],
      handle: async (incoming) => {
        await channels.deleteChannel(incoming.call, channelId(incoming));
        return noContent();
      },
    }),
  ];
}

function ownMembershipRows(channels: ChannelApi): readonly Operation[] {
  return [
    operation({
      ...CHANNEL,
      method: "POST",
      path: "/channels/:id/join",
      id: "joinChannel",
      summary: "Join a channel",
      answers: { 200: inJson("the channel", channelShape) },
      refusals: ["not_found"],
      handle: async (incoming) => {
        const channel = await channels.joinChannel(incoming.call, channelId(incoming));
        return jsonAnswer(200, jsonFromChannel(channel));
      },
    }),
    operation({
      ...CHANNEL,
      method: "POST",
      path: "/channels/:id/leave",
      id: "leaveChannel",
      summary: "Leave a channel",
      answers: { 204: withoutBody("you are out") },
      refusals: ["not_found"],
      handle: async (incoming) => {
        await channels.leaveChannel(incoming.call, channelId(incoming));
        return noContent();
      },
    }),
  ];
}

function memberRows(channels: ChannelApi): readonly Operation[] {
  return [
    operation({
      ...CHANNEL,
      method: "GET",
      path: "/channels/:id/members",
      id: "listChannelMembers",
      summary: "Who is in a channel",
      query: pageQuery,
      answers: {
        200: inJson("a page", z.object({ members: z.array(z.string()), cursor: cursor.optional() })),
      },
      refusals: ["not_found"],
      handle: async (incoming) => {
        const { call, query } = incoming;
        const page = await channels.listChannelMembers(call, channelId(incoming), query);
        return jsonAnswer(200, { members: page.members, cursor: page.cursor });
      },
    }),
    operation({
      ...CHANNEL,
      method: "POST",
      path: "/channels/:id/members",
      id: "addChannelMembers",
      summary: "Let agents into a channel",
      description: "Any member may.",
      body: membersForm,
      answers: { 200: inJson("the channel", channelShape) },
      refusals: ["not_found"],
      handle: async (incoming) => {
        const { members } = incoming.body.fields;
        const channel = await channels.addChannelMembers(incoming.call, channelId(incoming), members);
        return jsonAnswer(200, jsonFromChannel(channel));
      },
    }),
  ];
}

function channelId(incoming: Incoming): string {
  return bareChannelId(param(incoming, "id"));
}
