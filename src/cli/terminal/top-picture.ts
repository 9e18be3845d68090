import { type Answer, objectsMember, textMember } from "../hub/answer.ts";
import { amountMember } from "../hub/operator-call.ts";
import { bytesText, countText, durationText } from "./amount-text.ts";
import { safeText } from "./safe-text.ts";
import type { Terminal } from "./terminal.ts";
import { clockTime } from "./time-text.ts";

const LATE_MS = 50;
const VERY_LATE_MS = 250;
const NAME_CELLS = 11;
const VALUE_CELLS = 14;

/** One look at the hub. */
export interface Sample {
  readonly atUnixMs: number;
  readonly uptimeS: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly bytes: number;
  readonly sessions: number;
  readonly online: number;
  readonly residentBytes: number;
  readonly cpuUs: number;
  readonly loopDelayMs: number;
  readonly tasksOpen: number;
  readonly deadLetters: number;
  readonly inboxes: readonly {
    readonly agentId: string;
    readonly unread: number;
    readonly unreadBytes: number;
    readonly online: boolean;
  }[];
}

export function sampleFromAnswer(answer: Answer): Sample {
  const amount = (name: string): number => amountMember(answer, name);
  return {
    atUnixMs: amount("nowUnixMs"),
    uptimeS: amount("uptimeS"),
    accepted: amount("messagesAccepted"),
    delivered: amount("messagesDelivered"),
    acknowledged: amount("messagesAcknowledged"),
    refused: amount("messagesRefused"),
    bytes: amount("bytesAccepted"),
    sessions: amount("sessions"),
    online: amount("agentsOnline"),
    residentBytes: amount("residentBytes"),
    cpuUs: amount("cpuUs"),
    loopDelayMs: amount("loopDelayUs") / 1000,
    tasksOpen: amount("tasksOpen"),
    deadLetters: amount("deadLetters"),
    inboxes: objectsMember(answer, "inboxes").map((inbox) => ({
      agentId: textMember(inbox, "agentId") ?? "",
      unread: amountMember(inbox, "unread"),
      unreadBytes: amountMember(inbox, "unreadBytes"),
      online: inbox["online"] === true,
    })),
  };
}

interface Rates {
  readonly accepted: number;
  readonly delivered: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly bytes: number;
  /** Of one core. */
  readonly cpuPercent: number;
}

/** Per second, between two looks; 0 where the hub began anew in between. */
export function ratesBetween(before: Sample, now: Sample): Rates {
  const seconds = (now.atUnixMs - before.atUnixMs) / 1000;
  const isSameRun = now.uptimeS >= before.uptimeS;
  const rate = (from: number, to: number): number =>
    seconds > 0 && isSameRun ? Math.max(0, (to - from) / seconds) : 0;
  return {
    accepted: rate(before.accepted, now.accepted),
    delivered: rate(before.delivered, now.delivered),
    acknowledged: rate(before.acknowledged, now.acknowledged),
    refused: rate(before.refused, now.refused),
    bytes: rate(before.bytes, now.bytes),
    cpuPercent: rate(before.cpuUs, now.cpuUs) / 10_000,
  };
}

/** For scripts. */
export function topDocument(before: Sample, now: Sample): object {
  const rates = ratesBetween(before, now);
  const rounded = (amount: number): number => Math.round(amount * 10) / 10;
  return {
    at: new Date(now.atUnixMs).toISOString(),
    uptime_s: now.uptimeS,
    per_second: {
      accepted: rounded(rates.accepted),
      delivered: rounded(rates.delivered),
      acknowledged: rounded(rates.acknowledged),
      refused: rounded(rates.refused),
      bytes: Math.round(rates.bytes),
    },
    total: {
      accepted: now.accepted,
      delivered: now.delivered,
      acknowledged: now.acknowledged,
      refused: now.refused,
      bytes: now.bytes,
    },
    sessions: now.sessions,
    agents_online: now.online,
    cpu_percent: rounded(rates.cpuPercent),
    resident_bytes: now.residentBytes,
    loop_delay_ms: rounded(now.loopDelayMs),
    tasks_open: now.tasksOpen,
    dead_letters: now.deadLetters,
    inboxes: now.inboxes.map((inbox) => ({
      agent_id: inbox.agentId,
      unread: inbox.unread,
      unread_bytes: inbox.unreadBytes,
      online: inbox.online,
    })),
  };
}

/** For people: colour only where something wants to be looked at. */
export function topLines(
  terminal: Terminal,
  { url, before, now }: { readonly url: string; readonly before: Sample; readonly now: Sample },
): readonly string[] {
  const rates = ratesBetween(before, now);
  const dim = (text: string): string => terminal.style("dim", text);
  const pair = (name: string, value: string): string =>
    dim(name.padEnd(NAME_CELLS)) + value.padStart(VALUE_CELLS);
  const row = (...pairs: readonly string[]): string => pairs.join("    ");
  const head = `${safeText(url)}  up ${durationText(now.uptimeS)}  ${clockTime(now.atUnixMs)}`;
  return [
    `${terminal.style("bold", "meshkore top")}  ${head}`,
    "",
    row(pair("accepted", perSecond(rates.accepted)), pair("sessions", countText(now.sessions))),
    row(pair("delivered", perSecond(rates.delivered)), pair("online", countText(now.online))),
    row(pair("acked", perSecond(rates.acknowledged)), pair("cpu", `${rates.cpuPercent.toFixed(1)} %`)),
    row(
      warned(terminal, rates.refused > 0 ? "yellow" : undefined, "refused", perSecond(rates.refused)),
      pair("memory", bytesText(now.residentBytes)),
    ),
    row(
      pair("bytes", `${bytesText(rates.bytes)}/s`),
      warned(terminal, lateness(now.loopDelayMs), "loop delay", `${now.loopDelayMs.toFixed(1)} ms`),
    ),
    row(
      pair("tasks open", countText(now.tasksOpen)),
      warned(terminal, now.deadLetters > 0 ? "yellow" : undefined, "dead", countText(now.deadLetters)),
    ),
    "",
    ...inboxLines(terminal, now),
  ];
}

function inboxLines(terminal: Terminal, now: Sample): readonly string[] {
  if (now.inboxes.length === 0) return [terminal.style("dim", "nothing is unread")];
  return terminal.table(
    [
      { title: "DEEPEST INBOXES", text: ({ agentId }) => agentId.padEnd(NAME_CELLS + VALUE_CELLS) },
      { title: "   UNREAD", text: ({ unread }) => countText(unread).padStart(9) },
      { title: "     BYTES", text: ({ unreadBytes }) => bytesText(unreadBytes).padStart(10) },
      {
        title: "",
        text: ({ online }) => (online ? "" : "offline"),
        style: () => (text) => terminal.style("dim", text),
      },
    ],
    now.inboxes,
  );
}

function perSecond(rate: number): string {
  return `${countText(rate)}/s`;
}

function lateness(delayMs: number): "red" | "yellow" | undefined {
  if (delayMs < LATE_MS) return undefined;
  return delayMs < VERY_LATE_MS ? "yellow" : "red";
}

function warned(
  terminal: Terminal,
  colour: "red" | "yellow" | undefined,
  name: string,
  value: string,
): string {
  const shown = value.padStart(VALUE_CELLS);
  return (
    terminal.style("dim", name.padEnd(NAME_CELLS)) +
    (colour === undefined ? shown : terminal.style(colour, shown))
  );
}
