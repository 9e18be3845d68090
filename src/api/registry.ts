import { requireAdmin, requireAgent, requireKnown } from "../model/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { ProfileChecks } from "./profile-checks.ts";
import type { RegistryApi } from "./registry-api.ts";

/** Binds the registry to RegistryApi: who may call what. */
export function createRegistryApi(registry: Registry, checks: ProfileChecks): RegistryApi {
  const { agents, invites, entrance, accessRules, tickets } = registry;
  return {
    authenticate: registry.authenticate,
    addProfileCheck: (field, check) => checks.add(field, check),

    async createInvite({ principal }, input) {
      requireKnown(principal);
      return invites.create(principal, input);
    },
    async listInvites({ principal }) {
      requireKnown(principal);
      return invites.list(principal);
    },
    async revokeInvite({ principal }, nonce) {
      requireKnown(principal);
      return invites.revoke(principal, nonce);
    },
    describeInvite: ({ remoteAddress }, nonce) => invites.describe(nonce, remoteAddress),
    async join({ remoteAddress, signal }, input) {
      const { nonce, agentId, publicKey, profile } = input;
      if (checks.concern(profile?.extra)) {
        // Nothing is looked into for who has no invite.
        await invites.describe(nonce, remoteAddress);
        await checks.run(profile?.extra, { agentId, publicKey, held: undefined }, signal);
      }
      return entrance.join(input, remoteAddress);
    },
    register: ({ remoteAddress }, input) => entrance.register(input, remoteAddress),
    async issueTicket({ principal }) {
      return tickets.issue(requireAgent(principal));
    },
    redeemTicket: (ticket, remoteAddress) => tickets.redeem(ticket, remoteAddress),
    async rotateKey({ principal }, input) {
      return registry.rotateKey(requireAgent(principal).agentId, { revokeNow: input?.revokeNow === true });
    },

    listAgents: ({ principal }, input) => agents.list(principal, input),
    getAgent: ({ principal }, agentId) => agents.get(principal, agentId),
    async updateProfile({ principal, signal }, patch) {
      const { agentId } = requireAgent(principal);
      if (checks.concern(patch.extra)) {
        const { profile, publicKey } = await agents.get(principal, agentId);
        await checks.run(patch.extra, { agentId, publicKey, held: profile.extra }, signal);
      }
      return agents.updateProfile(agentId, patch);
    },
    async setPlan({ principal }, agentId, plan) {
      requireAdmin(principal);
      return agents.setPlan(agentId, plan);
    },
    async deleteAgent({ principal }, agentId) {
      const isSelf = principal.kind === "agent" && principal.agentId === agentId;
      if (!isSelf) requireAdmin(principal);
      return agents.remove(agentId);
    },

    async addAccessRule({ principal }, rule) {
      return accessRules.put(requireAgent(principal).agentId, rule);
    },
    async listAccessRules({ principal }) {
      return accessRules.list(requireAgent(principal).agentId);
    },
    async removeAccessRule({ principal }, subject) {
      return accessRules.remove(requireAgent(principal).agentId, subject);
    },
  };
}
