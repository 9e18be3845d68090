import { type Answer, textMember } from "../hub/answer.ts";
import { safeJson, safeText } from "./safe-text.ts";
import type { Column } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { clockTime } from "./time-text.ts";

const BASE64_BYTES_PER_FOUR = 3;

/** A message's payload as one line of safe text: strings as they are, other JSON compact, bytes by their size. */
export function payloadText(message: Answer): string {
  if (message["payload"] !== undefined) {
    const { payload } = message;
    return typeof payload === "string" ? safeText(payload) : safeJson(payload);
  }
  const base64 = textMember(message, "payload_base64") ?? "";
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  const size = Math.max(0, (base64.length / 4) * BASE64_BYTES_PER_FOUR - padding);
  if (message["sealed"] === true) return `<sealed, ${size} bytes>`;
  return safeText(`<${size} bytes of ${textMember(message, "content_type") ?? "unknown type"}>`);
}

/** Who sent it, and the channel where it came by one. */
export function senderText(message: Answer): string {
  const from = textMember(message, "from") ?? "-";
  const channel = textMember(message, "channel");
  return channel === undefined ? from : `${from} #${channel}`;
}

/** Columns of a list of messages. The payload is never cut: it is what was asked for, and may be gone once acked. */
export function messageColumns(terminal: Terminal): readonly Column<Answer>[] {
  return [
    {
      title: "TIME",
      text: (message) => terminal.time(textMember(message, "created_at")),
      style: () => (text) => terminal.style("dim", text),
    },
    { title: "FROM", text: senderText, style: () => (text) => terminal.style("cyan", text) },
    {
      title: "ID",
      text: (message) => textMember(message, "id") ?? "-",
      style: () => (text) => terminal.style("dim", text),
    },
    { title: "PAYLOAD", text: (message) => kindPrefix(message) + payloadText(message) },
  ];
}

/** One message as it comes in: the time is a clock's where a person watches, since the line stays. */
export function messageLine(terminal: Terminal, message: Answer): string {
  const createdAt = textMember(message, "created_at") ?? "-";
  const unixMs = Date.parse(createdAt);
  const time = terminal.isInteractive && !Number.isNaN(unixMs) ? clockTime(unixMs) : createdAt;
  return [
    terminal.style("dim", safeText(time)),
    terminal.style("cyan", safeText(senderText(message))),
    terminal.style("dim", safeText(textMember(message, "id") ?? "-")),
    kindPrefix(message) + payloadText(message),
  ].join("  ");
}

function kindPrefix(message: Answer): string {
  const kind = textMember(message, "kind");
  return kind === undefined || kind === "MESSAGE" ? "" : `[${safeText(kind)}] `;
}
