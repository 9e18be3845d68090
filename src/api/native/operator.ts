import { OperatorService } from "../../gen/meshkore/v1/operator_pb.js";
import { bareAgentId } from "../../model/address.ts";
import { present } from "../../model/present.ts";
import type { RpcService } from "../../ports/rpc.ts";
import { bindService } from "./bind.ts";
import { countOrAbsent, requiredText, uint64FromNumber } from "./fields.ts";
import type { NativeDeps } from "./native-deps.ts";

/** OperatorService over HubApi. */
export function createOperatorService({ api, facts }: NativeDeps): RpcService {
  const { operator, registry } = api;
  const requiredAgent = (agentId: string): string =>
    bareAgentId(requiredText("agent_id", agentId, "the id of an agent"), facts.hubId);
  return bindService(
    OperatorService,
    {
      async getActivity({ limit }, call) {
        const activity = await operator.activity(call, present({ limit: countOrAbsent(limit) }));
        return {
          nowUnixMs: uint64FromNumber(activity.nowUnixMs),
          uptimeS: uint64FromNumber(activity.uptimeS),
          messagesAccepted: uint64FromNumber(activity.messagesAccepted),
          messagesDelivered: uint64FromNumber(activity.messagesDelivered),
          messagesAcknowledged: uint64FromNumber(activity.messagesAcknowledged),
          messagesRefused: uint64FromNumber(activity.messagesRefused),
          bytesAccepted: uint64FromNumber(activity.bytesAccepted),
          sessions: activity.sessions,
          agentsOnline: activity.agentsOnline,
          residentBytes: uint64FromNumber(activity.residentBytes),
          cpuUs: uint64FromNumber(activity.cpuUs),
          loopDelayUs: uint64FromNumber(activity.loopDelayUs),
          tasksOpen: uint64FromNumber(activity.openTasks),
          deadLetters: uint64FromNumber(activity.deadLetters),
          inboxes: activity.inboxes.map(({ agentId, unread, unreadBytes, online }) => ({
            agentId,
            unread: uint64FromNumber(unread),
            unreadBytes: uint64FromNumber(unreadBytes),
            online,
          })),
        };
      },
      rotateTokenSecret: ({ revokeNow }, call) => operator.rotateTokenSecret(call, { revokeNow }),
      resetAgentKey: async ({ agentId }, call) => operator.resetAgentKey(call, requiredAgent(agentId)),
      async eraseAgent({ agentId }, call) {
        const { messagesErased } = await operator.eraseAgent(call, requiredAgent(agentId));
        return { messagesErased: uint64FromNumber(messagesErased) };
      },
      async createBackup({ name }, call) {
        const { path, files, createdUnixMs } = await operator.createBackup(call, { name });
        return {
          path,
          files: files.map((file) => ({ ...file, bytes: uint64FromNumber(file.bytes) })),
          createdUnixMs: uint64FromNumber(createdUnixMs),
        };
      },
    },
    { registry },
  );
}
