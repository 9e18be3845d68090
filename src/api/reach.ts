import { MeshError } from "../model/errors.ts";
import { requireAgent } from "../model/principal.ts";
import type { Reaches } from "../outbound/reach/reaches.ts";
import type { ReachApi } from "./reach-api.ts";

/** Binds reached agents to their callers: an agent deals with its own alone. */
export function createReachApi(reaches: Reaches): ReachApi {
  return {
    addDialect: (dialect) => reaches.addDialect(dialect),
    async setCredential({ principal }, input) {
      return reaches.setCredential(requireAgent(principal).agentId, input);
    },
    async getCredential({ principal }) {
      const credential = await reaches.credential(requireAgent(principal).agentId);
      if (credential === undefined) throw noCredential();
      return credential;
    },
    async removeCredential({ principal }) {
      if (!(await reaches.removeCredential(requireAgent(principal).agentId))) throw noCredential();
    },
  };
}

function noCredential(): MeshError {
  return new MeshError("not_found", "no credential is set for where you are reached", {
    hint: "PUT /profile/reach/credential sets one",
  });
}
