import { EventStreamClient } from "../../support/event-stream.ts";
import { grpcWire } from "../../support/grpc-wire.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import { until } from "../../support/until.ts";

/** A process of its own, on a machine whose wire is cut: `node vanishing-clients.ts <http> <grpc> <tokens by commas>`. */
const [http = "", grpc = "", tokens = ""] = process.argv.slice(2);
const [webSocketToken = "", eventsToken = "", grpcToken = ""] = tokens.split(",");

const tell = (line: string): void => console.log(line);

for (const [name, base, wire, token] of [
  ["websocket", http, protoWire, webSocketToken],
  ["grpc", `grpc://${grpc}`, grpcWire, grpcToken],
] as const) {
  await SessionClient.open(
    base,
    wire,
    { token },
    { delivered: (messages) => tell(`${name} got ${messages.map(({ payload }) => payload)}`) },
  );
}
const stream = await EventStreamClient.open(`${http}/messages/stream`, { token: eventsToken });
await until("the first event", () => stream.messages().length > 0);
tell(`sse got ${JSON.stringify(stream.messages()[0]?.payload)}`);
// The connections hold the process.
