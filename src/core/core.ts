import type { Counts } from "../model/counts.ts";
import { createMessageIds } from "../model/message-id.ts";
import type { AgentStore } from "../ports/agent-store.ts";
import type { ChannelStore } from "../ports/channel-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { CredentialWatch } from "../ports/credential-watch.ts";
import type { Directory } from "../ports/directory.ts";
import type { Logger } from "../ports/logger.ts";
import type { MessageLog } from "../ports/message-log.ts";
import type { MessageTracer } from "../ports/message-tracer.ts";
import type { OutcomeStore } from "../ports/outcome-store.ts";
import type { TaskStore } from "../ports/task-store.ts";
import type { TrafficStore } from "../ports/traffic-store.ts";
import { type Admission, createAdmission } from "./admission.ts";
import { type Attachments, createAttachments } from "./attachments.ts";
import type { CoreBounds } from "./bounds.ts";
import { Channels } from "./channels.ts";
import { Delivery } from "./delivery.ts";
import { createEnvelopeFactory } from "./envelope-factory.ts";
import { createFanout } from "./fanout.ts";
import { createHistory, type History } from "./history.ts";
import { Ladder } from "./ladder.ts";
import { Receipts } from "./receipts.ts";
import { Receive } from "./receive.ts";
import { createRelay, type Relay, type RelayDeps } from "./relay.ts";
import { createRoutes } from "./routes.ts";
import { inboxStream } from "./streams.ts";
import { Sweeper } from "./sweeper.ts";
import { createTaskLayer, type TaskLayer, type TaskLayerDeps } from "./tasks/create-tasks.ts";
import type { TaskUpkeep } from "./tasks/task-upkeep.ts";
import type { Tasks } from "./tasks/tasks.ts";
import { createAckTrace, tracedLog, tracedRelay } from "./tracing.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

export interface CoreDeps {
  readonly log: MessageLog;
  readonly stores: {
    readonly agents: AgentStore;
    readonly channels: ChannelStore;
    readonly outcomes: OutcomeStore;
    readonly tasks: TaskStore;
    readonly traffic: TrafficStore;
  };
  readonly directory: Directory;
  readonly credentialWatch: CredentialWatch;
  /** Marks the agent as online until the answer is called. */
  readonly attached: (agentId: string) => () => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hubId: string;
  readonly bounds: CoreBounds;
  readonly counts: Pick<Counts, "messages" | "deliveries" | "tasks">;
  /** Undefined = messages are not traced. */
  readonly tracer?: MessageTracer | undefined;
}

/** Everything that moves messages. */
export interface Core {
  readonly relay: Relay;
  readonly receive: Receive;
  readonly attachments: Attachments;
  readonly ladder: Ladder;
  /** What inboxes hold, as their readers get it. */
  readonly delivery: Delivery;
  readonly history: History;
  readonly channels: Channels;
  readonly tasks: Tasks;
  readonly taskUpkeep: TaskUpkeep;
  readonly traffic: Traffic;
  readonly sweeper: Sweeper;
  /** Lets go of copies of messages in memory. */
  forgetCopies(): void;
  /** Takes up what an earlier run left over, and starts what runs by the clock. */
  start(): Promise<void>;
  /** Ends deliveries and long polls; sends go on. */
  drain(): void;
  /** Drains, and writes what is still in memory. To be called when no send is under way any more. */
  stop(): Promise<void>;
}

/** Wires the core from its ports. */
export function createCore(deps: CoreDeps): Core {
  const { log, stores, directory, clock, logger, bounds, hubId, counts } = deps;
  const ids = createMessageIds(() => clock.nowUnixMs());
  const traffic = createTraffic({ store: stores.traffic, clock, logger });
  const receipts = new Receipts({
    ...{ log, clock, ids, logger, bounds, counts: counts.deliveries },
    isLiving: async (agentId) => (await directory.lookup(agentId)) !== undefined,
  });
  const delivery = createDelivery(deps, receipts);
  const channels: Channels = new Channels({
    store: stores.channels,
    directory,
    clock,
    maxMembers: bounds.channelMaxMembers,
    onChange: () => routes.forget(),
  });
  const checkChannel = (agentId: string, channelId: string): Promise<void> =>
    channels.checkMember(agentId, channelId);
  const routes = createRoutes({ directory, hubId, checkChannel });
  const fanout = createFanout({ log, channels: stores.channels, delivery, logger });
  const sweeper = new Sweeper({ ...stores, log, clock, logger, delivery, receipts, bounds });
  const admission = createAdmission({
    directory,
    clock,
    sentThisMonth: traffic.sentThisMonth,
    ratePerMinute: bounds.ratePerMinute,
  });
  const taskLayer = buildTasks(deps, { routes, admission, delivery, receipts, traffic, ids });
  const relay = buildRelay(deps, {
    admission,
    routes,
    traffic,
    envelopes: createEnvelopeFactory({ ids, clock, bounds }),
    onShortLived: (stream, expiresUnixMs) => sweeper.note(stream, expiresUnixMs),
    onChannelSend: fanout.wake,
  });
  const readers = createReaders(deps, delivery, receipts);
  forgetRemoved(deps);
  return {
    relay,
    ...readers,
    delivery,
    channels,
    ...{ tasks: taskLayer.tasks, taskUpkeep: taskLayer.upkeep },
    traffic,
    sweeper,
    ladder: new Ladder({ log, clock, outcomes: stores.outcomes, receipts, relay, counts: counts.deliveries }),
    forgetCopies() {
      delivery.forgetCopies();
      taskLayer.forgetCopies();
    },
    history: createHistory({ log, hubId, checkChannel }),
    async start() {
      await fanout.resumeAll();
      sweeper.start();
      taskLayer.start();
    },
    drain() {
      readers.attachments.closeAll("draining");
      taskLayer.drain();
    },
    async stop() {
      readers.attachments.closeAll("draining");
      await sweeper.stop();
      await taskLayer.stop();
      await fanout.stop();
      await receipts.stop();
      await traffic.stop();
    },
  };
}

/** Reading, live and by the page. */
function createReaders(
  deps: CoreDeps,
  delivery: Delivery,
  receipts: Receipts,
): Pick<Core, "attachments" | "receive"> {
  const { log, clock, credentialWatch, logger, bounds, attached, tracer } = deps;
  const { sessionsPerAgent } = bounds;
  const counts = deps.counts.deliveries;
  const parts = { log, delivery, receipts, credentialWatch, logger, counts, tracer };
  const ackTrace = tracer && createAckTrace({ tracer, log, delivery, clock, logger });
  const attachments = createAttachments({ ...parts, attached, sessionsPerAgent, ackTrace });
  return { attachments, receive: new Receive({ ...parts, attachments }) };
}

function buildRelay(
  { log, bounds, counts, tracer }: CoreDeps,
  parts: Pick<RelayDeps, "routes" | "envelopes" | "onShortLived" | "onChannelSend"> & {
    readonly admission: Admission;
    readonly traffic: Traffic;
  },
): Relay {
  const relay = createRelay({
    ...parts,
    log: tracer === undefined ? log : tracedLog(log, tracer),
    bounds,
    counts: counts.messages,
  });
  return tracer === undefined ? relay : tracedRelay(relay, tracer);
}

function buildTasks(
  deps: CoreDeps,
  parts: Pick<TaskLayerDeps, "routes" | "admission" | "delivery" | "receipts" | "ids"> & {
    readonly traffic: Traffic;
  },
): TaskLayer {
  const { log, directory, credentialWatch, clock, logger, bounds, stores, counts } = deps;
  return createTaskLayer({
    ...{ ...parts, log, directory, credentialWatch, clock, logger, bounds },
    ...{ store: stores.tasks, outcomes: stores.outcomes, counts },
    accepted(from, to, bytes) {
      counts.messages.accepted += 1;
      counts.messages.acceptedBytes += bytes;
      parts.traffic.count(from, to, bytes);
    },
  });
}

/** Nobody will read the inbox of an agent that was removed. */
function forgetRemoved({ directory, log, logger }: CoreDeps): void {
  directory.onChange((agentId, what) => {
    if (what !== "removed") return;
    log
      .trim(inboxStream(agentId), Number.POSITIVE_INFINITY)
      .catch((error: unknown) => logger.warn("inbox.not_forgotten", { agent: agentId, error }));
  });
}

/** Senders hear of what expired. */
function createDelivery({ log, clock, stores, counts }: CoreDeps, receipts: Receipts): Delivery {
  return new Delivery({
    log,
    clock,
    outcomes: stores.outcomes,
    counts: counts.deliveries,
    onExpired: (stream, expired, told) => {
      receipts.endedUnread(stream, expired);
      for (const end of told) void receipts.ended(end.senderId, { ...end, to: end.receiver });
    },
  });
}
