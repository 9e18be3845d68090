import { describeHeldConnections } from "./held-connections.suite.ts";
import { describeHttp } from "./http.suite.ts";
import { describeHttpLimits } from "./http-limits.suite.ts";
import { describeLife } from "./life.suite.ts";
import type { OpenListener } from "./listener-fixture.ts";
import { describeProxies } from "./proxy.suite.ts";
import { describeRoutes } from "./routes.suite.ts";
import { describeSockets } from "./socket.suite.ts";
import { describeSocketLimits } from "./socket-limits.suite.ts";
import { describeStreams } from "./stream.suite.ts";

/** All that every listener must do. */
export function describeListener(name: string, open: OpenListener): void {
  describeHttp(name, open);
  describeHttpLimits(name, open);
  describeProxies(name, open);
  describeRoutes(name, open);
  describeSockets(name, open);
  describeSocketLimits(name, open);
  describeStreams(name, open);
  describeLife(name, open);
  describeHeldConnections(name, open);
}
