import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { CoreBounds } from "../../src/core/bounds.ts";
import { type Core, createCore } from "../../src/core/core.ts";
import type { SendInput, Sent } from "../../src/core/messages.ts";
import { openEmbeddedLog } from "../../src/engines/message-log/embedded/index.ts";
import { DEFAULT_PROFILE, type PlanName } from "../../src/model/agent.ts";
import { newCounts } from "../../src/model/counts.ts";
import type { Header } from "../../src/model/envelope.ts";
import { EMPTY_HEADER } from "../../src/model/envelope.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/model/envelope-codec.ts";
import type { AgentPrincipal } from "../../src/model/principal.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { LogRecord, MessageLog, OpenMessageLog } from "../../src/ports/message-log.ts";
import type { CloseReason, Sink, SinkState } from "../../src/ports/sink.ts";
import type { Stores } from "../../src/ports/stores.ts";
import { OwnCredentialWatch } from "../../src/registry/credential-watch.ts";
import { createDirectory, type OwnDirectory } from "../../src/registry/directory.ts";
import { createMemoryStores } from "./memory-stores.ts";

export const START_MS = 1_800_000_000_000;
export const DAY_MS = 86_400_000;
export const NO_SIGNAL = new AbortController().signal;

/** A clock that stands until it is moved. */
export class HeldClock implements Clock {
  nowMs = START_MS;
  nowUnixMs(): number {
    return this.nowMs;
  }
  steadyMs(): number {
    return this.nowMs - START_MS;
  }
}

export const BOUNDS: CoreBounds = {
  ratePerMinute: 1_000_000,
  maxPayloadBytes: 1_048_576,
  maxHeaderBytes: 8192,
  inboxMaxMessages: 1_000_000,
  inboxMaxBytes: 1_073_741_824,
  unreadMs: 7 * DAY_MS,
  historyMs: 30 * DAY_MS,
  channelMaxMembers: 10_000,
  sessionsPerAgent: 8,
};

export interface KeptLogger extends Logger {
  readonly events: string[];
}

export function createKeptLogger(): KeptLogger {
  const events: string[] = [];
  const keep = (event: string): void => {
    events.push(event);
  };
  return { events, debug: () => undefined, info: keep, warn: keep, error: keep };
}

/** An embedded log in a folder of its own, which goes with the test. */
export class LogFolder {
  readonly clock: Clock;
  readonly #path: string;
  #log: OpenMessageLog | undefined;

  private constructor(path: string, clock: Clock) {
    this.#path = path;
    this.clock = clock;
  }

  static async make(clock: Clock): Promise<LogFolder> {
    const path = await mkdtemp(join(tmpdir(), "meshkore-core-"));
    const folder = new LogFolder(path, clock);
    onTestFinished(async () => {
      await folder.close();
      await rm(path, { recursive: true, force: true });
    });
    return folder;
  }

  async open(): Promise<OpenMessageLog> {
    await this.close();
    this.#log = await openEmbeddedLog({
      path: this.#path,
      durability: "process",
      nowUnixMs: () => this.clock.nowUnixMs(),
      onFatal: (error) => {
        throw error;
      },
      onWatcherError: (thrown) => {
        throw thrown;
      },
    });
    return this.#log;
  }

  async close(): Promise<void> {
    await this.#log?.[Symbol.asyncDispose]();
    this.#log = undefined;
  }
}

/** A core over a real log, stores in memory and a held clock. Nothing that runs by the clock is started. */
export class CoreFixture {
  core: Core;
  log: OpenMessageLog;
  directory: OwnDirectory;
  credentials: OwnCredentialWatch;
  readonly clock: HeldClock;
  readonly stores: Stores;
  readonly logger: KeptLogger;
  /** Of all runs together. */
  readonly counts = newCounts();
  readonly online = new Map<string, number>();
  readonly #folder: LogFolder;
  readonly #bounds: CoreBounds;

  private constructor(folder: LogFolder, log: OpenMessageLog, clock: HeldClock, bounds: CoreBounds) {
    this.#folder = folder;
    this.#bounds = bounds;
    this.log = log;
    this.clock = clock;
    this.stores = createMemoryStores();
    this.logger = createKeptLogger();
    this.directory = createDirectory(this.stores, clock);
    this.credentials = this.#watchCredentials();
    this.core = this.#makeCore();
  }

  static async open(bounds: Partial<CoreBounds> = {}): Promise<CoreFixture> {
    const clock = new HeldClock();
    const folder = await LogFolder.make(clock);
    const fixture = new CoreFixture(folder, await folder.open(), clock, { ...BOUNDS, ...bounds });
    onTestFinished(() => fixture.core.stop());
    return fixture;
  }

  /** A new core over the same data. `isCrash`: what the old one had in memory is lost. */
  async restart(options: { readonly isCrash?: boolean } = {}): Promise<void> {
    if (options.isCrash !== true) await this.core.stop();
    this.log = await this.#folder.open();
    this.directory = createDirectory(this.stores, this.clock);
    this.credentials = this.#watchCredentials();
    this.core = this.#makeCore();
  }

  async addAgents(...agentIds: readonly string[]): Promise<void> {
    for (const agentId of agentIds) await this.addAgent(agentId, "open");
  }

  async addAgent(agentId: string, plan: PlanName): Promise<void> {
    const nonce = `invite-${agentId}`;
    const created = { createdBy: "admin", createdUnixMs: START_MS, expiresUnixMs: START_MS + DAY_MS };
    await this.stores.invites.create({
      ...created,
      nonce,
      maxUses: 1,
      uses: 0,
      revoked: false,
      capabilities: [],
    });
    const agent = {
      agentId,
      profile: DEFAULT_PROFILE,
      publicKey: undefined,
      plan,
      createdUnixMs: START_MS,
      deletedUnixMs: undefined,
    };
    const outcome = await this.stores.invites.join(nonce, agent, `key-${agentId}`, START_MS);
    if (outcome !== "joined") throw new Error(`${agentId}: ${outcome}`);
    this.directory.changed(agentId, "joined");
  }

  async block(ownerId: string, subject: string): Promise<void> {
    await this.stores.access.put(ownerId, { subject, mode: "block" });
    this.directory.changed(ownerId, "access");
  }

  async removeAgent(agentId: string): Promise<void> {
    await this.stores.agents.remove(agentId, this.clock.nowMs);
    this.directory.changed(agentId, "removed");
  }

  send(from: string, to: string, text: string, more: Partial<SendInput> = {}): Promise<Sent> {
    return this.core.relay.send(from, textMessage(to, text, more));
  }

  /** What the agent reads with this cursor, as texts; receipts left out. */
  async texts(agentId: string, cursor?: string): Promise<string[]> {
    const input = { limit: 500, manualAck: true, ...(cursor === undefined ? {} : { cursor }) };
    const { records } = await this.core.receive.receive(readerOf(agentId), input, NO_SIGNAL);
    return messagesIn(records).map(({ text }) => text);
  }

  /** As the registry does: who is removed has no credential any more. */
  #watchCredentials(): OwnCredentialWatch {
    const { directory, clock } = this;
    const watch = new OwnCredentialWatch({
      clock,
      confirm: async (reader) =>
        (await directory.lookup(reader.agentId)) === undefined ? undefined : reader,
    });
    directory.onChange((agentId, what) => {
      if (what === "removed") watch.agentEnds(agentId);
    });
    return watch;
  }

  #makeCore(): Core {
    return createCore({
      log: this.log,
      stores: this.stores,
      directory: this.directory,
      credentialWatch: this.credentials,
      attached: (agentId) => {
        this.online.set(agentId, (this.online.get(agentId) ?? 0) + 1);
        return () => void this.online.set(agentId, (this.online.get(agentId) ?? 0) - 1);
      },
      clock: this.clock,
      logger: this.logger,
      hubId: "hub.test",
      bounds: this.#bounds,
      counts: this.counts,
    });
  }
}

/** The agent as a caller that came with its first key. */
export function readerOf(agentId: string): AgentPrincipal {
  return {
    kind: "agent",
    agentId,
    credential: { keyHash: `key-${agentId}`, kid: undefined },
    expiresUnixMs: undefined,
  };
}

export function textMessage(to: string, text: string, more: Partial<SendInput> = {}): SendInput {
  return { to, payload: Buffer.from(text), contentType: "text/plain", ...more };
}

/** Bytes as the relay would store them. */
export function storedMessage(header: Partial<Header>, text = ""): Buffer {
  return encodeEnvelope({ ...EMPTY_HEADER, ...header }, Buffer.from(text));
}

export function textOfBytes(bytes: Uint8Array): string {
  return Buffer.from(decodeEnvelope(bytes).payload).toString("utf8");
}

/** Messages among records, receipts left out. */
export function messagesIn(records: readonly LogRecord[]): { id: string; text: string; offset: number }[] {
  return records
    .filter(({ bytes }) => decodeEnvelope(bytes).header.kind === "MESSAGE")
    .map(({ bytes, offset }) => ({ id: decodeEnvelope(bytes).header.id, text: textOfBytes(bytes), offset }));
}

export interface ReceiptText {
  readonly status: string;
  readonly to: string;
  readonly message_ids?: readonly string[];
  readonly range?: { readonly first: string; readonly last: string; readonly count: number };
}

/** All receipts that stand in an inbox, oldest first. */
export async function receiptsIn(log: MessageLog, agentId: string): Promise<ReceiptText[]> {
  const { records } = await log.read(`inbox/${agentId}`, { from: { epoch: 0, offset: 0 }, limit: 10_000 });
  return records
    .filter(({ bytes }) => bytes[0] !== 0 && decodeEnvelope(bytes).header.kind === "RECEIPT")
    .map(({ bytes }) => JSON.parse(textOfBytes(bytes)) as ReceiptText);
}

/** A sink that keeps what it gets, and answers as it is told. */
export class KeptSink implements Sink {
  readonly records: LogRecord[] = [];
  answer: SinkState = "ready";
  closedBy: CloseReason | undefined;
  #resume: () => void = () => undefined;

  get texts(): string[] {
    return messagesIn(this.records).map(({ text }) => text);
  }

  write(records: readonly LogRecord[]): SinkState {
    if (this.answer !== "closed") this.records.push(...records);
    return this.answer;
  }

  onReady(resume: () => void): void {
    this.#resume = resume;
  }

  /** It has room again. */
  drain(): void {
    this.answer = "ready";
    this.#resume();
  }

  close(reason: CloseReason): void {
    this.closedBy = reason;
  }
}

/** The code that the work is refused with. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown ? thrown.code : thrown;
  }
  return "no error";
}
