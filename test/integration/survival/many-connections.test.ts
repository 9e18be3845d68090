import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { type TestAgent, withHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { residentBytes } from "./hub-memory.ts";

const WANTED = 10_000;
const AGENTS = 100;
const AT_ONCE = 250;
/** What the hub may need beside: for code that is warm now, and for garbage that nobody has collected yet. */
const SLACK_BYTES = 80_000_000;
/** Shares of all that connect one wave after the other. Were their memory not used again, it would grow to 2.2 times. */
const WAVES = [1, 0.3, 0.3, 0.3, 0.3];
/** Files that both processes have open beside the connections. */
const SPARE_FILES = 500;

/** What the limit of open files of this process allows; the hub inherits it. */
function possibleConnections(): number {
  const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  const most = line === "unlimited" ? Number.POSITIVE_INFINITY : Number(line);
  return Math.min(WANTED, most - SPARE_FILES);
}

async function acknowledgeAll(agent: TestAgent): Promise<void> {
  const page = await agent.get("/messages");
  await agent.post("/messages/ack", { cursor: page.field("cursor") });
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** A session as thin as it can be: the upgrade by hand, and a count of the frames that came. */
class ThinSession {
  readonly #socket: Socket;
  readonly #opened = Promise.withResolvers<void>();
  #head = "";
  #isUpgraded = false;
  #bytes = 0;
  #welcomeBytes = Number.POSITIVE_INFINITY;

  static async open(port: number, token: string): Promise<ThinSession> {
    const session = new ThinSession(port, token);
    await session.#opened.promise;
    return session;
  }

  private constructor(port: number, token: string) {
    this.#socket = connect({ port, host: "127.0.0.1" });
    this.#socket.write(
      "GET /ws HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
        `Sec-WebSocket-Protocol: meshkore.v1.proto\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    this.#socket.on("data", (chunk) => this.#take(chunk));
    this.#socket.on("error", (error) => this.#opened.reject(error));
    this.#socket.on("close", () => this.#opened.reject(new Error(`no session: ${this.#head.slice(0, 200)}`)));
  }

  /** Something came after the welcome. */
  get hasDelivery(): boolean {
    return this.#bytes > this.#welcomeBytes;
  }

  cut(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let frames = chunk;
    if (!this.#isUpgraded) {
      this.#head += chunk.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!this.#head.startsWith("HTTP/1.1 101")) return void this.#socket.destroy();
      this.#isUpgraded = true;
      frames = Buffer.from(this.#head.slice(end + 4), "latin1");
    }
    this.#bytes += frames.length;
    if (this.#welcomeBytes === Number.POSITIVE_INFINITY && frames.length >= 2) {
      // The welcome is shorter than 126 bytes, so its length is in the second byte.
      this.#welcomeBytes = 2 + (frames[1] ?? 0);
      this.#opened.resolve();
    }
  }
}

async function openAll(port: number, agents: readonly TestAgent[], count: number): Promise<ThinSession[]> {
  const sessions: ThinSession[] = [];
  while (sessions.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sessions.length) }, (_, n) => {
      const agent = agents[(sessions.length + n) % agents.length];
      return ThinSession.open(port, agent?.token ?? "");
    });
    sessions.push(...(await Promise.all(some)));
  }
  return sessions;
}

test("10,000 sessions at once: all get their messages, the hub answers on, and uses their memory again", () =>
  withHub({ env: { MESHKORE_SESSIONS_PER_AGENT: "1000" } }, async (hub) => {
    const count = possibleConnections();
    expect(count).toBeGreaterThan(200);
    const agents = await Promise.all(Array.from({ length: AGENTS }, (_, n) => hub.join(`agent-${n}`)));
    const sender = await hub.join("sender");
    const port = Number(new URL(hub.http).port);
    const before = residentBytes(hub.pid).own;
    const filesBefore = openFiles(hub.pid);
    const growths: number[] = [];
    for (const share of WAVES) {
      const wave = Math.ceil(count * share);
      const sessions = await openAll(port, agents, wave);
      await Promise.all(
        agents.map(async ({ agentId }) => {
          const answer = await sender.post("/send", { to: agentId, payload: wave, receipts: false });
          expect(answer.status).toBe(202);
        }),
      );
      await until("every session has its message", () => sessions.every(({ hasDelivery }) => hasDelivery));
      growths.push(residentBytes(hub.pid).own - before);
      for (const session of sessions) session.cut();
      await until("the hub has let go of them", () => openFiles(hub.pid) < filesBefore + 50);
      await Promise.all(agents.map(acknowledgeAll));
    }
    expect((await hub.call("GET", "/healthz")).status).toBe(200);
    // A process gives freed memory back to the system late, but it uses it again.
    const [first = 0] = growths;
    expect(growths.at(-1)).toBeLessThan(Math.max(first * 1.9, first + SLACK_BYTES));
    expect(first).toBeLessThan(count * 40_000 + SLACK_BYTES);
  }));
