import * as old from "a2a-sdk-0.3/client";
import { fetchWith } from "./stage.ts";

/** The official client of 0.3.14, with a token, for the agent whose base this is. */
export function openOldClient(base: string, token: string, binding: string): Promise<old.Client> {
  const fetchImpl = fetchWith(token);
  const options = old.ClientFactoryOptions.createFrom(old.ClientFactoryOptions.default, {
    transports: [new old.JsonRpcTransportFactory({ fetchImpl }), new old.RestTransportFactory({ fetchImpl })],
    preferredTransports: [binding],
    cardResolver: new old.DefaultAgentCardResolver({ fetchImpl }),
  });
  return new old.ClientFactory(options).createFromUrl(base);
}
