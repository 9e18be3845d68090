import { type MessageCounts, noteRefused, type OpenCount } from "../../model/counts.ts";
import { MeshError, meshErrorFromUnknown } from "../../model/errors.ts";
import { cursorFromPosition } from "../../model/position.ts";
import type { AgentPrincipal } from "../../model/principal.ts";
import type { SocketConnection, SocketSession } from "../../ports/listener.ts";
import type { LogRecord } from "../../ports/message-log.ts";
import type { CloseReason, Sink, SinkState } from "../../ports/sink.ts";
import { endOfFitting } from "../fitting.ts";
import type { Attachment, RelayApi } from "../relay-api.ts";
import {
  CLOSE_CODES,
  closeCodeOf,
  credentialError,
  drainError,
  lateHello,
  textOnBinaryWire,
} from "./close-codes.ts";
import type { ClientFrame, Flow, FrameCodec, FrameWriter, Hello, SessionSend } from "./frames.ts";
import { SessionCall } from "./session-call.ts";

/** Sends of one session that wait for their answer; what comes beyond is refused. */
const MAX_UNANSWERED = 16_384;
/** A frame leaves at the latest when this much is gathered. */
const FLUSH_BYTES = 65_536;
/** Frames that may wait while the session is being opened. */
const MAX_EARLY_FRAMES = 64;

/** One for all sessions. */
export interface SessionOptions {
  readonly relay: RelayApi;
  /** @throws MeshError unauthenticated, rate_limited, permission_denied when it is not an agent's */
  readonly authenticate: (token: string, remoteAddress: string, isTicket: boolean) => Promise<AgentPrincipal>;
  readonly hubId: string;
  readonly maxPayloadBytes: number;
  readonly maxFrameBytes: number;
  /** How long a connection without a token may wait with its hello. */
  readonly helloMs: number;
  readonly counts: { readonly messages: MessageCounts; readonly sessions: OpenCount };
}

/** What the upgrade request said. */
export interface SessionStart {
  readonly codec: FrameCodec;
  /** Undefined: it comes in the first frame. */
  readonly token: string | undefined;
  /** The token is a ticket. */
  readonly isTicket?: boolean;
  readonly traceparent: string | undefined;
}

/**
 * A live session of one agent over a socket: sends and acks in, results and deliveries out, every frame a batch.
 * Whatever happens in one turn of the event loop leaves as one frame.
 */
export class Session implements SocketSession, Sink {
  readonly #options: SessionOptions;
  readonly #start: SessionStart;
  readonly #connection: SocketConnection;
  readonly #writer: FrameWriter;
  #early: Uint8Array[] | undefined = [];
  #call: SessionCall | undefined;
  #attachment: Attachment | undefined;
  #resume: (() => void) | undefined;
  /** Taken from the pump, but the connection was full before it could be sent. */
  #held: readonly LogRecord[] = [];
  #helloTimer: NodeJS.Timeout | undefined;
  #unanswered = 0;
  #uncommittedAcks = 0;
  #isFlushScheduled = false;
  #isFull = false;
  /** The frame being gathered has a part that a frame can hold only once. */
  #hasSinglePart = false;
  #isOpening = false;
  /** The other side has said all: the session ends with its last answer. */
  #isFinishing = false;
  #isClosed = false;

  constructor(options: SessionOptions, start: SessionStart, connection: SocketConnection) {
    this.#options = options;
    this.#start = start;
    this.#connection = connection;
    this.#writer = start.codec.createWriter();
    options.counts.sessions.opened += 1;
    if (start.token === undefined) this.#awaitHello();
    else void this.#open({ token: start.token, cursor: "", noDelivery: false, window: 0 });
  }

  message(data: Uint8Array, isBinary: boolean): void {
    if (this.#isClosed) return;
    if (!isBinary && this.#start.codec.isBinary) this.#fail(textOnBinaryWire(), CLOSE_CODES.malformed);
    else if (this.#call !== undefined) this.#handle(data);
    else if (this.#isOpening) this.#keepEarly(data);
    else this.#openFromFirstFrame(data);
  }

  finish(): void {
    this.#isFinishing = true;
    this.#schedule();
  }

  drained(): void {
    this.#isFull = false;
    this.#flush();
    if (!this.#isFull) this.#deliver(this.#held);
    if (!this.#isFull) this.#resume?.();
  }

  closed(): void {
    if (!this.#isClosed) this.#options.counts.sessions.closed += 1;
    this.#isClosed = true;
    this.#call?.end();
    clearTimeout(this.#helloTimer);
    this.#held = [];
    this.#attachment?.detach();
  }

  write(records: readonly LogRecord[]): SinkState {
    if (this.#isClosed) return "closed";
    this.#deliver(this.#held.length === 0 ? records : [...this.#held, ...records]);
    return this.#isFull ? "full" : "ready";
  }

  onReady(resume: () => void): void {
    this.#resume = resume;
  }

  close(reason: CloseReason): void {
    if (reason === "gap") this.#fail(new MeshError("gap", "what comes next is gone"), CLOSE_CODES.gap);
    else if (reason === "draining") this.#fail(drainError(), CLOSE_CODES.draining);
    else if (reason === "revoked" || reason === "expired")
      this.#fail(credentialError(reason), CLOSE_CODES.unauthenticated);
  }

  #awaitHello(): void {
    this.#helloTimer = setTimeout(() => {
      const error = new MeshError("unauthenticated", "no token came", {
        hint: "send hello with a token first",
      });
      this.#fail(error, CLOSE_CODES.unauthenticated);
    }, this.#options.helloMs);
  }

  #openFromFirstFrame(data: Uint8Array): void {
    const frame = this.#read(data);
    if (frame === undefined) return;
    if (frame.hello === undefined) {
      const error = new MeshError("unauthenticated", "the first frame has no hello", {
        hint: "send hello with a token, or connect with an Authorization header",
      });
      this.#fail(error, CLOSE_CODES.unauthenticated);
      return;
    }
    clearTimeout(this.#helloTimer);
    // What else the frame holds is handled when the session is open.
    this.#early = [data];
    void this.#open(frame.hello);
  }

  async #open(hello: Hello): Promise<void> {
    this.#isOpening = true;
    try {
      const { remoteAddress } = this.#connection;
      const { token = hello.token, isTicket = false } = this.#start;
      const principal = await this.#options.authenticate(token, remoteAddress, isTicket);
      const call = new SessionCall(principal, remoteAddress, this.#start.traceparent);
      const input = {
        window: hello.window,
        isPaused: true,
        ...(hello.cursor === "" ? {} : { cursor: hello.cursor }),
      };
      const attachment = await this.#options.relay.attach(call, input, this);
      this.#attachment = attachment;
      if (this.#isClosed) attachment.detach();
      else this.#begin(call, principal, attachment, hello);
    } catch (thrown) {
      const error = meshErrorFromUnknown(thrown);
      this.#fail(error, closeCodeOf(error));
    }
  }

  #begin(call: SessionCall, principal: AgentPrincipal, attachment: Attachment, hello: Hello): void {
    this.#call = call;
    this.#writer.welcome({
      agentId: principal.agentId,
      hubId: this.#options.hubId,
      cursor: cursorFromPosition(attachment.start),
      expiresUnixMs: principal.expiresUnixMs ?? 0,
      maxPayloadBytes: this.#options.maxPayloadBytes,
      maxFrameBytes: this.#options.maxFrameBytes,
    });
    this.#schedule();
    if (!hello.noDelivery) attachment.resume();
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const [index, data] of early.entries()) {
      if (!this.#isClosed) this.#handle(data, index === 0 && this.#start.token === undefined);
    }
  }

  #keepEarly(data: Uint8Array): void {
    this.#early?.push(data);
    if ((this.#early?.length ?? 0) > MAX_EARLY_FRAMES) {
      const error = new MeshError("rate_limited", "too many frames before the welcome", {
        hint: "wait for the welcome frame",
      });
      this.#fail(error, CLOSE_CODES.overloaded);
    }
  }

  #read(data: Uint8Array): ClientFrame | undefined {
    try {
      return this.#start.codec.read(data);
    } catch (thrown) {
      const error = meshErrorFromUnknown(thrown);
      if (error.code === "malformed" || this.#call === undefined) this.#fail(error, CLOSE_CODES.malformed);
      else this.#tell(error);
      return undefined;
    }
  }

  #handle(data: Uint8Array, mayHello = false): void {
    const frame = this.#read(data);
    const call = this.#call;
    if (frame === undefined || call === undefined) return;
    if (frame.hello !== undefined && !mayHello) this.#tell(lateHello());
    for (const send of frame.sends) this.#send(call, send);
    if (frame.ack !== undefined) this.#ack(frame.ack);
    if (frame.flow !== undefined) this.#applyFlow(frame.flow);
    if (frame.ping !== 0) {
      this.#beginSinglePart();
      this.#writer.pong(frame.ping);
      this.#schedule();
    }
  }

  #send(call: SessionCall, send: SessionSend): void {
    if (send.input instanceof MeshError) {
      this.#refusedHere(send.ref, send.input);
      return;
    }
    if (this.#unanswered >= MAX_UNANSWERED) {
      const hint = "wait for results before sending more";
      this.#refusedHere(
        send.ref,
        new MeshError("rate_limited", "too many unanswered sends", { hint, retryAfterS: 1 }),
      );
      return;
    }
    this.#unanswered += 1;
    this.#options.relay.send(call, send.input).then(
      (sent) => {
        this.#unanswered -= 1;
        this.#writer.accepted(send.ref, sent);
        this.#schedule();
      },
      (thrown: unknown) => {
        this.#unanswered -= 1;
        this.#refused(send.ref, meshErrorFromUnknown(thrown));
      },
    );
  }

  /** The relay, which counts what it refuses, does not hear of this one. */
  #refusedHere(ref: number | string, error: MeshError): void {
    noteRefused(this.#options.counts.messages, error);
    this.#refused(ref, error);
  }

  #refused(ref: number | string, error: MeshError): void {
    this.#writer.refused(ref, error);
    this.#schedule();
  }

  #ack(position: { readonly epoch: number; readonly offset: number }): void {
    this.#uncommittedAcks += 1;
    this.#attachment?.ack(position).then(
      (committed) => {
        this.#uncommittedAcks -= 1;
        this.#writer.acked(committed);
        this.#schedule();
      },
      (thrown: unknown) => {
        this.#uncommittedAcks -= 1;
        this.#tell(meshErrorFromUnknown(thrown));
      },
    );
  }

  #applyFlow(flow: Flow): void {
    if (flow.window > 0) this.#attachment?.setWindow(flow.window);
    if (flow.pause) this.#attachment?.pause();
    if (flow.resume) this.#attachment?.resume();
  }

  #tell(error: MeshError): void {
    this.#beginSinglePart();
    this.#writer.failed(error);
    this.#schedule();
  }

  /** Says why, then ends the session. */
  #fail(error: MeshError, closeCode: number): void {
    if (this.#isClosed) return;
    this.#beginSinglePart();
    this.#writer.failed(error);
    this.#flush();
    this.#connection.close(closeCode, error.code);
    this.closed();
  }

  /** A frame holds one error and one pong: what is gathered leaves before a second would replace the first. */
  #beginSinglePart(): void {
    if (this.#hasSinglePart) this.#flush();
    this.#hasSinglePart = true;
  }

  /** In frames of about 64 KiB, or of one larger record. What a full connection does not take is held. */
  #deliver(records: readonly LogRecord[]): void {
    let next = 0;
    while (next < records.length && !this.#isFull) {
      const fitting = endOfFitting(records, next, FLUSH_BYTES - this.#writer.size);
      const end = fitting === next && this.#writer.size === 0 ? next + 1 : fitting;
      this.#writer.deliver(end - next === records.length ? records : records.slice(next, end));
      next = end;
      if (next < records.length) this.#flush();
      else this.#schedule();
    }
    this.#held = next === 0 ? records : records.slice(next);
  }

  #schedule(): void {
    if (this.#writer.size >= FLUSH_BYTES) this.#flush();
    else if (!this.#isFlushScheduled) {
      this.#isFlushScheduled = true;
      // Not sooner: several callbacks of one turn share a frame, which saves more than the wait costs.
      setImmediate(Session.#flushScheduled, this);
    }
  }

  /** Static, so that a session at rest holds no closure for it. */
  static #flushScheduled(session: Session): void {
    session.#isFlushScheduled = false;
    session.#flush();
  }

  /** Results go out also on a full connection: they are bounded by the sends that wait for them. */
  #flush(): void {
    if (this.#isClosed) return;
    const frame = this.#writer.take();
    if (frame !== undefined) this.#isFull = this.#connection.send(frame) === "full";
    if (this.#isFinishing) this.#endWhenAnswered();
  }

  #endWhenAnswered(): void {
    const isStillOpening = this.#isOpening && this.#call === undefined;
    if (isStillOpening || this.#unanswered > 0 || this.#uncommittedAcks > 0) return;
    this.#connection.close(1000, "");
    this.closed();
  }
}
