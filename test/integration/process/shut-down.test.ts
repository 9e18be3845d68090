import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type RestAnswer, restCall } from "../../support/rest-client.ts";
import { until } from "../../support/until.ts";
import { type HubRun, runHub, withDataDir } from "./hub-run.ts";

const ADMIN_TOKEN = "the-operator-of-the-hub-that-stops";
const SETTINGS = {
  MESHKORE_ADMIN_TOKEN: ADMIN_TOKEN,
  MESHKORE_RATE_PER_MINUTE: "1000000",
  MESHKORE_LOG_LEVEL: "warn",
};
/** What a supervisor may count on. */
const STOP_MS = 6000;

interface Stopping {
  readonly hub: HubRun;
  readonly http: string;
  readonly alice: string;
  readonly bob: string;
}

async function withTwoAgents(use: (stopping: Stopping) => Promise<void>): Promise<void> {
  await withDataDir(async (dataDir) => {
    await using hub = runHub(dataDir, SETTINGS);
    const http = await hub.http();
    const invite = await restCall(http, "POST", "/invites", { token: ADMIN_TOKEN, body: { max_uses: 2 } });
    const join = async (agentId: string) => {
      const path = `/join/${String(invite.field("nonce"))}`;
      const answer = await restCall(http, "POST", path, { body: { agent_id: agentId } });
      return String(answer.field("token"));
    };
    await use({ hub, http, alice: await join("alice"), bob: await join("bob") });
  });
}

/** Stops the hub, and gives how long that took. */
async function stopped(hub: HubRun, signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
  const fromMs = performance.now();
  hub.child.kill(signal);
  expect(await hub.ended).toEqual({ code: 0, signal: null });
  return performance.now() - fromMs;
}

function sendTo(to: string, { http, alice }: Stopping, payload: unknown): Promise<RestAnswer> {
  return restCall(http, "POST", "/send", { token: alice, body: { to, payload, receipts: false } });
}

async function openSession(http: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${http.replace("http", "ws")}/ws`, ["meshkore.v1.json"], {
    headers: { authorization: `Bearer ${token}` },
  });
  await new Promise((resolve, reject) => {
    socket.once("message", resolve);
    socket.once("error", reject);
    socket.once("open", () => socket.send('{"hello":{}}'));
  });
  return socket;
}

/** A connection that asks and then never reads. */
async function deafSocket(http: string, text: string): Promise<Socket> {
  const { hostname, port } = new URL(http);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.on("error", () => socket.destroy());
  socket.write(text);
  socket.pause();
  return socket;
}

describe.each(["SIGTERM", "SIGINT"] as const)("%s ends a hub well", (signal) => {
  test("with code 0 at once when nothing is under way", () =>
    withTwoAgents(async ({ hub }) => {
      expect(await stopped(hub, signal)).toBeLessThan(4500);
      expect(hub.err()).toBe("");
    }));
});

describe("a hub that stops", () => {
  test("answers the long polls that are open", () =>
    withTwoAgents(async ({ hub, http, bob }) => {
      const polls = Array.from({ length: 20 }, () => {
        let arrived = false;
        const { hostname, port } = new URL(http);
        const headers = { authorization: `Bearer ${bob}` };
        const answer = new Promise<{ status: number; text: string }>((resolve, reject) => {
          const sent = request({ hostname, port, path: "/messages?wait=50", headers }, (response) => {
            let text = "";
            response.setEncoding("utf8").on("data", (part: string) => {
              text += part;
            });
            response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
          });
          sent.on("error", reject);
          sent.end(() => {
            arrived = true;
          });
        });
        return { answer, arrived: () => arrived };
      });
      await until("all polls sent", () => polls.every((poll) => poll.arrived()));
      // A call that came after them and is answered: the hub has read the polls.
      expect((await restCall(http, "GET", "/context", { token: bob })).status).toBe(200);
      expect(await stopped(hub)).toBeLessThan(STOP_MS);
      for (const { answer } of polls) {
        const { status, text } = await answer;
        expect([200, 503]).toContain(status);
        if (status === 200) expect(JSON.parse(text)).toMatchObject({ messages: [] });
        else expect(JSON.parse(text)).toMatchObject({ error: { code: "unavailable" } });
      }
    }));

  test("closes WebSocket sessions with 1001", () =>
    withTwoAgents(async ({ hub, http, alice, bob }) => {
      const sockets = await Promise.all([openSession(http, alice), openSession(http, bob)]);
      const codes = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      expect(await stopped(hub)).toBeLessThan(STOP_MS);
      expect(await Promise.all(codes)).toEqual([1001, 1001]);
    }));

  test("answers the sends that it took, and keeps exactly those that it accepted", () =>
    withDataDir(async (dataDir) => {
      const accepted: number[] = [];
      const unclear: number[] = [];
      let agents = { alice: "", bob: "" };
      {
        await using hub = runHub(dataDir, SETTINGS);
        const http = await hub.http();
        const invite = await restCall(http, "POST", "/invites", {
          token: ADMIN_TOKEN,
          body: { max_uses: 2 },
        });
        const join = async (agent_id: string) => {
          const path = `/join/${String(invite.field("nonce"))}`;
          return String((await restCall(http, "POST", path, { body: { agent_id } })).field("token"));
        };
        agents = { alice: await join("alice"), bob: await join("bob") };
        let n = 0;
        let stops = false;
        const lane = async () => {
          while (!stops) {
            const payload = n++;
            try {
              const body = { to: "bob", payload, receipts: false };
              const { status } = await restCall(http, "POST", "/send", { token: agents.alice, body });
              if (status === 202) accepted.push(payload);
              else expect(status).toBe(503);
            } catch {
              // The connection was refused, or cut before an answer came.
              unclear.push(payload);
              return;
            }
          }
        };
        const lanes = Array.from({ length: 16 }, lane);
        await until("traffic", () => accepted.length > 300);
        expect(await stopped(hub)).toBeLessThan(STOP_MS);
        stops = true;
        await Promise.all(lanes);
      }
      await using again = runHub(dataDir, SETTINGS);
      const http = await again.http();
      const kept: unknown[] = [];
      let cursor = "";
      for (;;) {
        const page = await restCall(http, "GET", `/messages?limit=500&cursor=${cursor}`, {
          token: agents.bob,
        });
        if (page.messages().length === 0) break;
        kept.push(...page.messages().map(({ payload }) => payload));
        cursor = String(page.field("cursor"));
      }
      expect(new Set(kept).size).toBe(kept.length);
      const missing = accepted.filter((payload) => !kept.includes(payload));
      expect(missing).toEqual([]);
      // A refused or cut connection was never taken: nothing of it is there.
      expect(kept.filter((payload) => unclear.includes(Number(payload)))).toEqual([]);
    }));

  test("ends in time although clients never read", () =>
    withTwoAgents(async (stopping) => {
      const { hub, http, bob } = stopping;
      const payload = "x".repeat(900_000);
      for (let n = 0; n < 12; n++) expect((await sendTo("bob", stopping, payload)).status).toBe(202);
      const auth = `Host: hub\r\nAuthorization: Bearer ${bob}\r\n`;
      const upgrade = `${auth}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;
      const hello = Buffer.from('{"hello":{}}');
      const frame = Buffer.concat([Buffer.from([0x81, 0x80 | hello.length, 0, 0, 0, 0]), hello]).toString(
        "latin1",
      );
      const deaf = await Promise.all([
        deafSocket(http, `GET /messages?limit=500&ack=manual HTTP/1.1\r\n${auth}\r\n`),
        deafSocket(http, `GET /ws HTTP/1.1\r\n${upgrade}\r\n${frame}`),
        deafSocket(http, `POST /send HTTP/1.1\r\n${auth}Content-Length: 1000\r\n\r\n{"to"`),
      ]);
      // The hub has begun to answer.
      await until("bytes for the deaf", async () => (await restCall(http, "GET", "/healthz")).status === 200);
      expect(await stopped(hub)).toBeLessThan(STOP_MS);
      for (const socket of deaf) socket.destroy();
    }));

  test("ends at once at a second SIGINT that comes late", () =>
    withTwoAgents(async ({ hub, http, bob }) => {
      const deaf = await deafSocket(
        http,
        `POST /send HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ${bob}\r\nContent-Length: 1000\r\n\r\n{"to"`,
      );
      expect((await restCall(http, "GET", "/healthz")).status).toBe(200);
      const fromMs = performance.now();
      hub.child.kill("SIGINT");
      const again = setInterval(() => hub.child.kill("SIGINT"), 300);
      const { code } = await hub.ended;
      clearInterval(again);
      deaf.destroy();
      expect([0, 130]).toContain(code);
      expect(performance.now() - fromMs).toBeLessThan(4500);
    }));
});
