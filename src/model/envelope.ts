/** Kinds in the order of envelope.proto: the number of a kind is its index here plus one. */
export const KINDS = ["MESSAGE", "TASK", "TASK_EVENT", "RECEIPT", "EVENT"] as const;
export type Kind = (typeof KINDS)[number];

/** Priorities in the order of envelope.proto: the number of a priority is its index here plus one. */
export const PRIORITIES = ["low", "normal", "high"] as const;
export type Priority = (typeof PRIORITIES)[number];

/**
 * The header of an envelope (meshkore.v1.Header). Empty text, 0, false and empty lists mean "absent",
 * as in proto3.
 */
export interface Header {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly kind: Kind;
  readonly replyTo: string;
  readonly taskId: string;
  readonly contextId: string;
  readonly contentType: string;
  readonly createdUnixMs: number;
  readonly expiresUnixMs: number;
  readonly priority: Priority;
  readonly dedupeKey: string;
  readonly traceparent: string;
  readonly via: readonly string[];
  readonly sealed: boolean;
  readonly signature: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
  readonly noReceipts: boolean;
}

export interface Envelope {
  readonly header: Header;
  /** Opaque to the hub. */
  readonly payload: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);
const NO_TEXTS: readonly string[] = Object.freeze([]);
const NO_ANNOTATIONS: Readonly<Record<string, string>> = Object.freeze({});

/** A header in which all that is optional is absent. */
export const EMPTY_HEADER: Header = Object.freeze({
  id: "",
  from: "",
  to: "",
  kind: "MESSAGE",
  replyTo: "",
  taskId: "",
  contextId: "",
  contentType: "",
  createdUnixMs: 0,
  expiresUnixMs: 0,
  priority: "normal",
  dedupeKey: "",
  traceparent: "",
  via: NO_TEXTS,
  sealed: false,
  signature: NO_BYTES,
  annotations: NO_ANNOTATIONS,
  noReceipts: false,
});
