import { create, createRegistry, type DescFile, type Registry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { meshErrorFromUnknown } from "../../model/errors.ts";
import type { SocketConnection, SocketSession } from "../../ports/listener.ts";
import type { RpcService, SessionRpc } from "../../ports/rpc.ts";
import { RPC_CODE } from "../rpc-status.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";

type Answer = ServerReflectionResponse["messageResponse"];

/**
 * Server reflection, so that `buf curl` and grpcurl need no .proto files. v1alpha is v1 under another name: the bytes
 * are the same, and older clients ask for it.
 * @param services what else the port serves; reflection lists itself too
 */
export function createReflection(services: readonly RpcService[]): readonly RpcService[] {
  const own = [ServerReflection, ServerReflectionV1Alpha];
  const described = [...services.map(({ service }) => service), ...own];
  const files = filesFrom(described.map(({ file }) => file));
  const names = described.map(({ typeName }) => typeName).sort();
  const answerOf = (request: ServerReflectionRequest): Answer => answer(request, files, names);
  return own.map((service): RpcService => {
    const open: SessionRpc["open"] = (connection) => new ReflectionSession(connection, answerOf);
    return { service, methods: [{ kind: "session", method: service.method.serverReflectionInfo, open }] };
  });
}

interface Files {
  /** As imports spell it. */
  readonly byName: ReadonlyMap<string, DescFile>;
  readonly symbols: Registry;
}

function filesFrom(described: readonly DescFile[]): Files {
  const all = new Set(described.flatMap((file) => [file, ...dependenciesOf(file)]));
  return {
    byName: new Map([...all].map((file) => [file.proto.name, file])),
    symbols: createRegistry(...all),
  };
}

/** A file's imports, and theirs, each once. */
function dependenciesOf(file: DescFile): readonly DescFile[] {
  return [...new Set(file.dependencies.flatMap((needed) => [needed, ...dependenciesOf(needed)]))];
}

class ReflectionSession implements SocketSession {
  readonly #connection: SocketConnection;
  readonly #answerOf: (request: ServerReflectionRequest) => Answer;

  constructor(connection: SocketConnection, answerOf: (request: ServerReflectionRequest) => Answer) {
    this.#connection = connection;
    this.#answerOf = answerOf;
  }

  /** A client that asks on without reading answers is cut by the connection. */
  message(data: Uint8Array): void {
    try {
      const originalRequest = decodeMessage(ServerReflectionRequestSchema, data);
      const response = create(ServerReflectionResponseSchema, {
        validHost: originalRequest.host,
        originalRequest,
        messageResponse: this.#answerOf(originalRequest),
      });
      this.#connection.send(encodeMessage(ServerReflectionResponseSchema, response));
    } catch (thrown) {
      this.#connection.close(1007, meshErrorFromUnknown(thrown).code);
    }
  }

  finish(): void {
    this.#connection.close(1000, "");
  }

  drained(): void {
    // Answers were given all the same.
  }

  closed(): void {
    // Nothing is kept of a client.
  }
}

function answer({ messageRequest }: ServerReflectionRequest, files: Files, names: readonly string[]): Answer {
  if (messageRequest.case === "listServices") {
    const service = names.map((name) => ({ $typeName: "grpc.reflection.v1.ServiceResponse" as const, name }));
    return {
      case: "listServicesResponse",
      value: { $typeName: "grpc.reflection.v1.ListServiceResponse", service },
    };
  }
  if (messageRequest.case === "fileByFilename") {
    return fileAnswer(files.byName.get(messageRequest.value), messageRequest.value);
  }
  if (messageRequest.case === "fileContainingSymbol") {
    return fileAnswer(fileOfSymbol(files.symbols, messageRequest.value), messageRequest.value);
  }
  if (messageRequest.case === "allExtensionNumbersOfType" && files.symbols.getMessage(messageRequest.value)) {
    return {
      case: "allExtensionNumbersResponse",
      value: {
        $typeName: "grpc.reflection.v1.ExtensionNumberResponse",
        baseTypeName: messageRequest.value,
        extensionNumber: [],
      },
    };
  }
  return errorAnswer(RPC_CODE.notFound, "nothing of this kind is here; the contract has no extensions");
}

/** A symbol is a type, a service, or a member of either. */
function fileOfSymbol(symbols: Registry, symbol: string): DescFile | undefined {
  const found = symbols.get(symbol) ?? symbols.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf("."))));
  return found?.file;
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return errorAnswer(RPC_CODE.notFound, `${asked} is not here`);
  const fileDescriptorProto = [file, ...dependenciesOf(file)].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return {
    case: "fileDescriptorResponse",
    value: { $typeName: "grpc.reflection.v1.FileDescriptorResponse", fileDescriptorProto },
  };
}

function errorAnswer(errorCode: number, errorMessage: string): Answer {
  return {
    case: "errorResponse",
    value: { $typeName: "grpc.reflection.v1.ErrorResponse", errorCode, errorMessage },
  };
}
