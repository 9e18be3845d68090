import { EMPTY_HEADER, type Header } from "../model/envelope.ts";
import { decodeEnvelope, encodeEnvelope, peekEnvelope } from "../model/envelope-codec.ts";
import { TASK_EVENT_TYPE } from "../model/task.ts";
import { isPointer } from "./pointer.ts";
import { erasedEvent, withoutContext } from "./tasks/task-events.ts";

/** What readers are told of a message whose sender was erased. */
const ERASED = { erased: "sender" } as const;

/**
 * What a stored record becomes when the agent is erased: of its own messages only their ids, their way and their times
 * are left, with the annotation `erased`; of receipts that tell of it, its own words are gone. Undefined = it has
 * nothing of the agent, or not any more.
 */
export function erasedRecord(bytes: Uint8Array, agentId: string): Uint8Array | undefined {
  if (isPointer(bytes)) return undefined;
  const { from, kind } = peekEnvelope(bytes);
  if (from === agentId) return erasedMessage(bytes);
  if (kind === "TASK_EVENT") return eventWithoutContext(bytes, agentId);
  return kind === "RECEIPT" ? receiptWithoutNote(bytes, agentId) : undefined;
}

function erasedMessage(bytes: Uint8Array): Uint8Array | undefined {
  const { header, payload } = decodeEnvelope(bytes);
  const { id, from, to, kind, createdUnixMs, expiresUnixMs } = header;
  // Nobody is there to hear of its end.
  const left = { id, from, to, kind, createdUnixMs, expiresUnixMs, noReceipts: true };
  const erasedHeader = { ...EMPTY_HEADER, ...left, annotations: ERASED };
  const erased =
    header.contentType === TASK_EVENT_TYPE
      ? encodeEnvelope({ ...erasedHeader, ...placeInTask(header) }, erasedEvent(payload))
      : encodeEnvelope(erasedHeader, new Uint8Array(0));
  return erased.equals(bytes) ? undefined : erased;
}

/** What others said to the agent in its tasks is theirs; the name of the context may be the agent's. */
function eventWithoutContext(bytes: Uint8Array, agentId: string): Uint8Array | undefined {
  const { header, payload } = decodeEnvelope(bytes);
  if (header.to !== agentId || header.contextId === "") return undefined;
  return encodeEnvelope({ ...header, contextId: "" }, withoutContext(payload));
}

/** The other side still has the task, and how it ended. The context was named by an agent. */
function placeInTask({ taskId, contentType }: Header): Partial<Header> {
  return { taskId, contentType };
}

/** The note of an end is the receiver's text. */
function receiptWithoutNote(bytes: Uint8Array, agentId: string): Uint8Array | undefined {
  const { header, payload } = decodeEnvelope(bytes);
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8");
  // Few receipts have a note: no others are worth parsing.
  if (!text.includes('"note"') || !text.includes(`"${agentId}"`)) return undefined;
  const told: unknown = JSON.parse(text);
  if (typeof told !== "object" || told === null || !("to" in told) || told.to !== agentId) return undefined;
  if (!("note" in told)) return undefined;
  const { note: _, ...rest } = told;
  return encodeEnvelope(header, Buffer.from(JSON.stringify(rest), "utf8"));
}
