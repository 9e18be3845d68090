/** Names of the status codes of gRPC that errors of A2A have, and their numbers. */
export const RPC_STATUS = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;
export type RpcStatusName = keyof typeof RPC_STATUS;

/** How one error reads on each binding. */
export interface ErrorRow {
  /** JSON-RPC code. */
  readonly jsonRpc: number;
  readonly grpc: RpcStatusName;
  /** HTTP status of the HTTP+JSON binding. */
  readonly http: number;
}

/** Errors that the protocol names: the words of `google.rpc.ErrorInfo.reason`. */
const PROTOCOL_ROWS = {
  TASK_NOT_FOUND: row(-32001, "NOT_FOUND", 404),
  TASK_NOT_CANCELABLE: row(-32002, "FAILED_PRECONDITION", 400),
  PUSH_NOTIFICATION_NOT_SUPPORTED: row(-32003, "FAILED_PRECONDITION", 400),
  UNSUPPORTED_OPERATION: row(-32004, "FAILED_PRECONDITION", 400),
  CONTENT_TYPE_NOT_SUPPORTED: row(-32005, "INVALID_ARGUMENT", 400),
  INVALID_AGENT_RESPONSE: row(-32006, "INTERNAL", 500),
  EXTENDED_AGENT_CARD_NOT_CONFIGURED: row(-32007, "FAILED_PRECONDITION", 400),
  EXTENSION_SUPPORT_REQUIRED: row(-32008, "FAILED_PRECONDITION", 400),
  VERSION_NOT_SUPPORTED: row(-32009, "FAILED_PRECONDITION", 400),
  PARSE_ERROR: row(-32700, "INVALID_ARGUMENT", 400),
  INVALID_REQUEST: row(-32600, "INVALID_ARGUMENT", 400),
  METHOD_NOT_FOUND: row(-32601, "UNIMPLEMENTED", 404),
  INVALID_PARAMS: row(-32602, "INVALID_ARGUMENT", 400),
  INTERNAL_ERROR: row(-32603, "INTERNAL", 500),
} as const satisfies Readonly<Record<string, ErrorRow>>;

/** What the hub has to say beyond the protocol. JSON-RPC leaves -32000 to servers; the protocol takes the codes below. */
const OWN_ROWS = {
  UNAUTHENTICATED: row(-32000, "UNAUTHENTICATED", 401),
  PERMISSION_DENIED: row(-32000, "PERMISSION_DENIED", 403),
  AGENT_NOT_FOUND: row(-32000, "NOT_FOUND", 404),
  RESUME_GAP: row(-32000, "OUT_OF_RANGE", 410),
  TOO_LARGE: row(-32000, "RESOURCE_EXHAUSTED", 413),
  RATE_LIMITED: row(-32000, "RESOURCE_EXHAUSTED", 429),
  INBOX_FULL: row(-32000, "RESOURCE_EXHAUSTED", 503),
  UNAVAILABLE: row(-32000, "UNAVAILABLE", 503),
} as const satisfies Readonly<Record<string, ErrorRow>>;

export type ProtocolReason = keyof typeof PROTOCOL_ROWS;
export type OwnReason = keyof typeof OWN_ROWS;
export type A2aReason = ProtocolReason | OwnReason;

/** What the specification 1.0.0 said otherwise; some clients and the public test kit still expect it. */
const DIFFERENCES_1_0_0: Readonly<Partial<Record<ProtocolReason, ErrorRow>>> = {
  TASK_NOT_CANCELABLE: row(-32002, "FAILED_PRECONDITION", 409),
  PUSH_NOTIFICATION_NOT_SUPPORTED: row(-32003, "UNIMPLEMENTED", 400),
  UNSUPPORTED_OPERATION: row(-32004, "UNIMPLEMENTED", 400),
  CONTENT_TYPE_NOT_SUPPORTED: row(-32005, "INVALID_ARGUMENT", 415),
  INVALID_AGENT_RESPONSE: row(-32006, "INTERNAL", 502),
  VERSION_NOT_SUPPORTED: row(-32009, "UNIMPLEMENTED", 400),
};

/** All errors of a version of the specification. This hub answers by 1.0.1. */
export const ERROR_TABLE = {
  "1.0.1": { ...PROTOCOL_ROWS, ...OWN_ROWS },
  "1.0.0": { ...PROTOCOL_ROWS, ...OWN_ROWS, ...DIFFERENCES_1_0_0 },
} as const satisfies Readonly<Record<string, Readonly<Record<A2aReason, ErrorRow>>>>;

/** Whether the hub says so, rather than the protocol. */
export function isOwnReason(reason: A2aReason): reason is OwnReason {
  return Object.hasOwn(OWN_ROWS, reason);
}

function row(jsonRpc: number, grpc: RpcStatusName, http: number): ErrorRow {
  return { jsonRpc, grpc, http };
}
