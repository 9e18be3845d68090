import { eventFromRecord, taskStream } from "../../core/tasks/task-events.ts";
import type { Task } from "../../gen/meshkore/v1/tasks_pb.js";
import type { OutboundCounts } from "../../model/counts.ts";
import { START } from "../../model/position.ts";
import { isTerminal } from "../../model/task.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LogRecord, MessageLog } from "../../ports/message-log.ts";
import type { OutboundHttp } from "../../ports/outbound-http.ts";
import type { PushRecord, PushStore } from "../../ports/push-store.ts";
import type { Errand } from "../courier.ts";
import { type DeliveryFailure, failureFromStatus } from "../delivery-failure.ts";
import type { Targets } from "../targets.ts";
import type { PushRenderer, RenderedPush } from "./push.ts";

/** Within what A2A asks for: 10 to 30 s. */
const TIMEOUT_MS = 15_000;
/** With the body of the answer. */
const WHOLE_MS = 20_000;
/** Of what a receiver answers nothing but the status counts. */
const MAX_ANSWER_BYTES = 65_536;
const MAX_REDIRECTS = 3;
const WINDOW = 8;

export interface PushErrandDeps {
  readonly log: MessageLog;
  readonly store: PushStore;
  readonly http: OutboundHttp;
  readonly targets: Targets;
  readonly clock: Clock;
  readonly counts: OutboundCounts;
  readonly render: PushRenderer;
  /** The task as it is now. */
  readonly task: () => Promise<Task>;
  /** Tells who asked for it that it is given up. */
  readonly onDead: (push: PushRecord, failure: DeliveryFailure) => Promise<void>;
  /** It has nothing more to do. */
  readonly onEnd: () => void;
}

/** The events of a task, one after the other, to where one config wants them. */
export function pushErrand(push: PushRecord, deps: PushErrandDeps): Errand {
  const { taskId, configId } = push;
  const { store, log, clock } = deps;
  const stream = taskStream(taskId);
  let sent = push.sent;
  let lastSequence: number | undefined;
  /** Bodies of the event under way that were taken already: they are not sent again when a later one fails. */
  let taken = { sequence: 0, bodies: 0 };
  return {
    stream,
    window: WINDOW,
    keyOf: () => "",
    async done() {
      const { end } = await log.read(stream, { from: START, limit: 0 });
      return { epoch: end.epoch, offset: sent };
    },
    async deliver(record, signal) {
      const { event, sequence } = eventFromRecord(record);
      if (event.status !== undefined && isTerminal(event.status.state)) lastSequence = sequence;
      const { headers, bodies, proof } = await deps.render(event, push, deps.task);
      if (taken.sequence !== sequence) taken = { sequence, bodies: 0 };
      while (taken.bodies < bodies.length) {
        const body = bodies[taken.bodies] ?? "";
        const proven = await proof?.(body);
        await counted(post(push, { headers, body, proven }, { ...deps, signal }), deps.counts, signal);
        taken.bodies += 1;
      }
    },
    async giveUp(_record: LogRecord, failure: DeliveryFailure) {
      await deps.onDead(push, failure);
      await store.progress(taskId, configId, {
        sent,
        stopped: { reason: failure.message, atUnixMs: clock.nowUnixMs() },
      });
      deps.counts.pushesDead += 1;
      return false;
    },
    async commit({ offset }) {
      sent = Math.max(sent, offset);
      if (offset !== lastSequence) return store.progress(taskId, configId, { sent, stopped: undefined });
      await store.remove(taskId, configId);
      deps.onEnd();
    },
    onEnd: deps.onEnd,
  };
}

async function counted(attempt: Promise<void>, counts: OutboundCounts, signal: AbortSignal): Promise<void> {
  try {
    await attempt;
    counts.pushesSent += 1;
  } catch (thrown) {
    if (!signal.aborted) counts.pushesFailed += 1;
    throw thrown;
  }
}

interface Attempt extends Pick<RenderedPush, "headers"> {
  readonly body: string | Uint8Array;
  readonly proven: RenderedPush["headers"] | undefined;
}

async function post(
  { ownerId, url, scheme, credentials }: PushRecord,
  { headers, body, proven }: Attempt,
  { http, targets, clock, signal }: PushErrandDeps & { readonly signal: AbortSignal },
): Promise<void> {
  const authorization = scheme === "" ? {} : { authorization: `${scheme} ${credentials}`.trim() };
  const parties = { caller: `push ${ownerId}`, target: new URL(url).origin };
  await targets.run(parties, signal, async () => {
    const answer = await http.stream({
      method: "POST",
      url,
      headers: { ...headers, ...(proven ?? authorization) },
      body,
      timeoutMs: TIMEOUT_MS,
      idleMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      maxRedirects: MAX_REDIRECTS,
      // Who answers byte by byte does not keep its place for it.
      signal: AbortSignal.any([signal, AbortSignal.timeout(WHOLE_MS)]),
    });
    // Read to its end, so that the connection can serve the next call; whether that comes says nothing of what was sent.
    await readOut(answer.chunks).catch(() => undefined);
    if (answer.status < 200 || answer.status >= 300) throw failureFromStatus(answer, clock.nowUnixMs());
  });
}

async function readOut(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of chunks);
}
