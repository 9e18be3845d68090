import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport as nodeConnect,
  createGrpcWebTransport as nodeGrpcWeb,
} from "@connectrpc/connect-node";
import {
  createConnectTransport as webConnect,
  createGrpcWebTransport as webGrpcWeb,
} from "@connectrpc/connect-web";

/** One protocol as one official client speaks it. */
export interface Wire {
  readonly name: string;
  open(baseUrl: string, interceptors: Interceptor[]): Transport;
}

export const WIRES: readonly Wire[] = [
  {
    name: "Connect, JSON, connect-node",
    open: (baseUrl, interceptors) =>
      nodeConnect({ baseUrl, interceptors, httpVersion: "1.1", useBinaryFormat: false }),
  },
  {
    name: "Connect, binary, connect-node",
    open: (baseUrl, interceptors) =>
      nodeConnect({ baseUrl, interceptors, httpVersion: "1.1", useBinaryFormat: true }),
  },
  {
    name: "gRPC-Web, binary, connect-node",
    open: (baseUrl, interceptors) => nodeGrpcWeb({ baseUrl, interceptors, httpVersion: "1.1" }),
  },
  {
    name: "gRPC-Web, JSON, connect-node",
    open: (baseUrl, interceptors) =>
      nodeGrpcWeb({ baseUrl, interceptors, httpVersion: "1.1", useBinaryFormat: false }),
  },
  {
    name: "Connect, JSON, connect-web",
    open: (baseUrl, interceptors) => webConnect({ baseUrl, interceptors }),
  },
  {
    name: "gRPC-Web, binary, connect-web",
    open: (baseUrl, interceptors) => webGrpcWeb({ baseUrl, interceptors }),
  },
];

/** The wire that tests use which are not about wires. */
export const ANY_WIRE: Wire = WIRES[1] ?? fail();

/** A client of one service, with a token or without. */
export function clientOf<Service extends DescService>(
  service: Service,
  wire: Wire,
  baseUrl: string,
  token?: string,
): Client<Service> {
  const withToken: Interceptor = (next) => (request) => {
    if (token !== undefined) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return createClient(service, wire.open(baseUrl, [withToken]));
}

function fail(): never {
  throw new Error("there are no wires");
}
