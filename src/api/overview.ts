import { requireAgent, requireKnown } from "../model/principal.ts";
import type { Overview } from "../registry/overview.ts";
import type { ChannelView } from "./channel-api.ts";
import type { OverviewApi } from "./overview-api.ts";

/** Binds the overview to OverviewApi: who may call what. */
export function createOverviewApi(overview: Overview<ChannelView>): OverviewApi {
  return {
    async stats({ principal }) {
      requireKnown(principal);
      return overview.stats();
    },
    async network({ principal }) {
      requireKnown(principal);
      return overview.network(principal);
    },
    async context(call) {
      return overview.context(call, requireAgent(call.principal));
    },
  };
}
