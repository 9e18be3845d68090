import { z } from "zod";
import type { ChannelApi } from "../../src/adapter-kit.ts";
import { jsonAnswer, noContent } from "./answers.ts";
import { readBody } from "./body.ts";
import { jsonFromChannel } from "./channel-json.ts";
import { type Incoming, type Operation, param } from "./inbound.ts";
import { present } from "./present.ts";
import { limitFromQuery, readQuery } from "./query.ts";

const createForm = {
  schema: z.strictObject({
    name: z.string().min(1),
    members: z.array(z.string().min(1)).exactOptional(),
    description: z.string().exactOptional(),
    private: z.boolean().exactOptional(),
  }),
  expects: '{"name": "<lower-case name>", "members"?: ["<agent id>"], "description"?, "private"?: false}',
};
const membersForm = {
  schema: z.strictObject({ members: z.array(z.string().min(1)).min(1) }),
  expects: '{"members": ["<agent id>"]}',
};

/** Named groups; sending to one is with the other sends. */
export function channelOperations(channels: ChannelApi): readonly Operation[] {
  return [...channelRows(channels), ...memberRows(channels)];
}

function channelRows(channels: ChannelApi): readonly Operation[] {
  return [
    {
      method: "POST",
      path: "/channels",
      handle: async ({ call, request }) => {
        const {
          name,
          members,
          description,
          private: isPrivate,
        } = (await readBody(request, createForm)).fields;
        const input = { name: bareName(name), ...present({ members, description, isPrivate }) };
        return jsonAnswer(201, jsonFromChannel(await channels.createChannel(call, input)));
      },
    },
    {
      method: "GET",
      path: "/channels",
      handle: async (incoming) => {
        const page = await channels.listChannels(incoming.call, pageInput(incoming));
        return jsonAnswer(200, { channels: page.channels.map(jsonFromChannel), cursor: page.cursor });
      },
    },
    {
      method: "DELETE",
      path: "/channels/:id",
      handle: async (incoming) => {
        await channels.deleteChannel(incoming.call, channelId(incoming));
        return noContent();
      },
    },
  ];
}

function memberRows(channels: ChannelApi): readonly Operation[] {
  return [
    {
      method: "POST",
      path: "/channels/:id/join",
      handle: async (incoming) => {
        const channel = await channels.joinChannel(incoming.call, channelId(incoming));
        return jsonAnswer(200, jsonFromChannel(channel));
      },
    },
    {
      method: "POST",
      path: "/channels/:id/leave",
      handle: async (incoming) => {
        await channels.leaveChannel(incoming.call, channelId(incoming));
        return noContent();
      },
    },
    {
      method: "GET",
      path: "/channels/:id/members",
      handle: async (incoming) => {
        const page = await channels.listChannelMembers(
          incoming.call,
          channelId(incoming),
          pageInput(incoming),
        );
        return jsonAnswer(200, { members: page.members, cursor: page.cursor });
      },
    },
    {
      method: "POST",
      path: "/channels/:id/members",
      handle: async (incoming) => {
        const { fields } = await readBody(incoming.request, membersForm);
        const channel = await channels.addChannelMembers(incoming.call, channelId(incoming), fields.members);
        return jsonAnswer(200, jsonFromChannel(channel));
      },
    },
  ];
}

function pageInput({ request }: Incoming): { limit?: number; cursor?: string } {
  const query = readQuery(request, ["limit", "cursor"]);
  return present({ limit: limitFromQuery(query), cursor: query.get("cursor") });
}

function channelId(incoming: Incoming): string {
  return bareName(param(incoming, "id"));
}

/** `#team` and `team` are the same channel wherever only a channel can stand. */
function bareName(name: string): string {
  return name.startsWith("#") ? name.slice(1) : name;
}
