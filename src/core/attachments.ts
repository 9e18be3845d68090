import { MeshError } from "../model/errors.ts";
import { Few } from "../model/few.ts";
import { hubIsStopping } from "../model/hub-stopping.ts";
import { type Position, positionFromCursor } from "../model/position.ts";
import { type AgentPrincipal, unauthenticated } from "../model/principal.ts";
import type { CredentialWatch, WatchedCredential } from "../ports/credential-watch.ts";
import type { MessageLog, StreamName } from "../ports/message-log.ts";
import type { CloseReason, Sink } from "../ports/sink.ts";
import { LiveDelivery, type LiveDeliveryOptions, type LiveDeliveryOwner } from "./live-delivery.ts";
import type { LiveFeedDeps } from "./live-feed.ts";
import { keptPosition } from "./log-source.ts";
import type { AttachInput, Attachment } from "./messages.ts";
import { inboxStream } from "./streams.ts";
import type { AckTrace } from "./tracing.ts";

export interface AttachmentsDeps extends LiveFeedDeps {
  readonly credentialWatch: CredentialWatch;
  /** Marks the agent as online until the answer is called. */
  readonly attached: (agentId: string) => () => void;
  readonly sessionsPerAgent: number;
  readonly ackTrace?: AckTrace | undefined;
}

/** Live deliveries of inboxes. Several of one agent mirror: each gets every record after its own cursor. */
export interface Attachments {
  /**
   * Delivers until the reader detaches, its credential ends or the hub stops.
   * @throws MeshError gap, invalid_argument, rate_limited, unauthenticated when the credential ended meanwhile,
   * unavailable when the hub is stopping
   */
  attach(reader: AgentPrincipal, input: AttachInput, sink: Sink): Promise<Attachment>;
  /** Moves the committed position; answers when durable with where it is now. @throws MeshError gap */
  commit(agentId: string, position: Position): Promise<Position>;
  /** Ends all deliveries of all agents. */
  closeAll(reason: CloseReason): void;
}

export function createAttachments(deps: AttachmentsDeps): Attachments {
  const sessions = new Sessions(deps.sessionsPerAgent);

  async function commit(agentId: string, position: Position): Promise<Position> {
    const stream = inboxStream(agentId);
    await deps.receipts.open(stream);
    const traceAck = deps.ackTrace === undefined ? undefined : await deps.ackTrace.begin(stream);
    const mark = await deps.log.ack(stream, "inbox", position);
    if (traceAck !== undefined) traceAck(mark);
    deps.receipts.read(stream, mark.offset);
    sessions.acknowledged(agentId, mark.offset);
    return { epoch: mark.epoch, offset: mark.offset };
  }

  async function findStart(stream: StreamName, cursor: string | undefined): Promise<Position> {
    const start = await startPosition(deps.log, stream, cursor);
    await deps.receipts.open(stream);
    await deps.receipts.seen(stream, start.offset);
    return start;
  }

  const owner: LiveDeliveryOwner = {
    commit,
    ended(live) {
      live.credential.stop();
      live.detachPresence();
      sessions.remove(live);
    },
  };

  function begin(place: Place, options: Omit<LiveDeliveryOptions, "detachPresence">): LiveDelivery {
    const detachPresence = deps.attached(options.agentId);
    const live = new LiveDelivery(deps, owner, { ...options, detachPresence });
    options.credential.opened = live;
    place.lives.add(live);
    live.begin();
    return live;
  }

  return {
    commit,
    async attach(reader, input, sink) {
      const { agentId } = reader;
      const place = sessions.reserve(agentId);
      const stream = inboxStream(agentId);
      try {
        const start = await findStart(stream, input.cursor);
        const credential = await deps.credentialWatch.watch(reader);
        // What ended while it was being opened never opens. From here on nothing waits.
        sessions.checkStillOpen(credential);
        const { window = 0, isPaused = false } = input;
        return begin(place, { agentId, credential, stream, start, sink, window, isPaused });
      } finally {
        place.opening -= 1;
        sessions.forgetIfEmpty(agentId, place);
      }
    },
    closeAll: (reason) => sessions.closeAll(reason),
  };
}

/** What one agent has open; `opening`: how many more are being opened. */
interface Place {
  readonly lives: Few<LiveDelivery>;
  opening: number;
}

class Sessions {
  readonly #places = new Map<string, Place>();
  readonly #mostOfAgent: number;
  #isClosed = false;

  constructor(mostOfAgent: number) {
    this.#mostOfAgent = mostOfAgent;
  }

  /** To be called before the first await, so that no two take the last place. @throws MeshError rate_limited, unavailable */
  reserve(agentId: string): Place {
    if (this.#isClosed) throw hubIsStopping("connect again");
    const place = this.#places.get(agentId) ?? { lives: new Few(), opening: 0 };
    checkRoom(place.lives.size + place.opening, this.#mostOfAgent);
    place.opening += 1;
    this.#places.set(agentId, place);
    return place;
  }

  /** Stops the watch when it throws. @throws MeshError unavailable, unauthenticated */
  checkStillOpen(credential: WatchedCredential): void {
    if (credential.hasEnded) throw unauthenticated();
    if (!this.#isClosed) return;
    credential.stop();
    throw hubIsStopping("connect again");
  }

  remove(live: LiveDelivery): void {
    const place = this.#places.get(live.agentId);
    if (place === undefined) return;
    place.lives.delete(live);
    this.forgetIfEmpty(live.agentId, place);
  }

  forgetIfEmpty(agentId: string, place: Place): void {
    if (place.lives.size + place.opening === 0) this.#places.delete(agentId);
  }

  acknowledged(agentId: string, offset: number): void {
    for (const live of this.#places.get(agentId)?.lives ?? []) live.acknowledged(offset);
  }

  closeAll(reason: CloseReason): void {
    this.#isClosed = true;
    for (const { lives } of [...this.#places.values()]) for (const live of [...lives]) live.end(reason);
  }
}

function checkRoom(openCount: number, most: number): void {
  if (openCount < most) return;
  throw new MeshError("rate_limited", `an agent has at most ${most} sessions at once`, {
    hint: "close sessions that are not in use",
    retryAfterS: 5,
  });
}

/** Where a reader starts. @throws MeshError gap when the cursor is not in the inbox (any more) */
export async function startPosition(
  log: MessageLog,
  stream: StreamName,
  cursor: string | undefined,
): Promise<Position> {
  const isGiven = cursor !== undefined && cursor !== "";
  const asked = isGiven ? positionFromCursor(cursor) : await log.acked(stream, "inbox");
  // Where retention has passed the committed position, who asks for what there is gets what there is.
  const { epoch, offset, isPassed } = await keptPosition(log, stream, asked);
  if (isPassed && isGiven) throw cursorGap();
  return { epoch, offset };
}

/** The refusal of a cursor that points to nothing that is kept. */
export function cursorGap(): MeshError {
  return new MeshError("gap", "what that cursor points to is not in the inbox", {
    hint: "it is too old or from elsewhere: start without a cursor, after your committed ack",
  });
}
