import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromJson,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { ChannelService } from "../../../src/gen/meshkore/v1/channels_pb.js";
import { OperatorService } from "../../../src/gen/meshkore/v1/operator_pb.js";
import { RegistryService } from "../../../src/gen/meshkore/v1/registry_pb.js";
import { RelayService } from "../../../src/gen/meshkore/v1/relay_pb.js";

/** One procedure, and a request for it that an honest client might send. */
export interface Procedure {
  readonly path: string;
  readonly method: DescMethod;
  readonly json: JsonValue;
  readonly bytes: Uint8Array;
}

const SERVICES: readonly DescService[] = [RelayService, RegistryService, ChannelService, OperatorService];
/** What ends the attacker's own agent or key would end the attack. */
const LEFT_OUT = new Set(["RotateKey", "DeleteAgent"]);
/** By field name, so that a request gets behind the first checks. */
const TEXTS: Readonly<Record<string, string>> = {
  to: "victim",
  peer: "victim",
  agentId: "victim",
  cursor: "1-0",
  channelId: "c",
  name: "c",
  nonce: "@NONCE@",
  apiKey: "@KEY@",
  contentType: "application/json",
  messageId: "0198c6a5-0000-7000-8000-000000000000",
};
const DEPTH = 3;

export const PROCEDURES: readonly Procedure[] = SERVICES.flatMap((service) =>
  service.methods.filter(({ name }) => !LEFT_OUT.has(name)).map((method) => procedureOf(service, method)),
);

function procedureOf(service: DescService, method: DescMethod): Procedure {
  const message = fromJson(method.input, exampleOf(method.input, DEPTH), { ignoreUnknownFields: true });
  return {
    path: `/${service.typeName}/${method.name}`,
    method,
    json: toJson(method.input, message),
    bytes: toBinary(method.input, message),
  };
}

/** Nothing is set. */
export function emptyOf({ method }: Procedure): Uint8Array {
  return toBinary(method.input, create(method.input));
}

function exampleOf(message: DescMessage, depth: number): JsonObject {
  // Well-known types have a JSON form of their own.
  if (message.typeName.startsWith("google.protobuf.")) return {};
  const filled = new Set<string>();
  const members = message.fields.flatMap((field): [string, JsonValue][] => {
    if (field.oneof !== undefined) {
      if (filled.has(field.oneof.name)) return [];
      filled.add(field.oneof.name);
    }
    const value = memberOf(field, depth);
    return value === undefined ? [] : [[field.jsonName, value]];
  });
  return Object.fromEntries(members);
}

function memberOf(field: DescField, depth: number): JsonValue | undefined {
  switch (field.fieldKind) {
    case "scalar":
      return scalarOf(field.jsonName, field.scalar);
    case "enum":
      return field.enum.values.at(-1)?.name;
    case "message":
      return nested(field.message, depth);
    case "list": {
      const item =
        field.listKind === "message"
          ? nested(field.message, depth)
          : field.listKind === "enum"
            ? field.enum.values[0]?.name
            : scalarOf(field.jsonName, field.scalar);
      return item === undefined ? [] : [item];
    }
    case "map":
      return field.mapKind === "scalar" ? { a: scalarOf("", field.scalar) } : {};
  }
}

function nested(message: DescMessage, depth: number): JsonValue | undefined {
  return depth === 0 || message.typeName.startsWith("google.protobuf.")
    ? undefined
    : exampleOf(message, depth - 1);
}

/** Numbers of scalar types are those of descriptor.proto. */
function scalarOf(name: string, scalar: number): JsonValue {
  if (scalar === 8) return true;
  if (scalar === 9) return TEXTS[name] ?? "x";
  if (scalar === 12) return Buffer.from('{"a":1}').toString("base64");
  return 1;
}
