import type { Hub } from "./hub.ts";
import { openAll } from "./load/open-all.ts";
import type { AgentLogin } from "./load/spec.ts";

/** What one invite may be used for, at most. */
const USES_OF_AN_INVITE = 10_000;

/** Joins agents `<prefix>-0` … and answers their logins in that order. */
export async function joinAgents(hub: Hub, prefix: string, count: number): Promise<AgentLogin[]> {
  const nonces: string[] = [];
  for (let left = count; left > 0; left -= USES_OF_AN_INVITE) {
    const uses = Math.min(left, USES_OF_AN_INVITE);
    nonces.push(text(await call(hub, "/invites", { max_uses: uses }, hub.adminToken), "nonce"));
  }
  const ids = Array.from({ length: count }, (_, at) => `${prefix}-${at}`);
  return openAll(ids, async (id, at) => {
    const nonce = nonces[Math.floor(at / USES_OF_AN_INVITE)] ?? "";
    const joined = await call(hub, `/join/${nonce}`, { agent_id: id });
    return { id: text(joined, "agent_id"), token: text(joined, "token") };
  });
}

export async function createChannel(
  hub: Hub,
  owner: AgentLogin,
  name: string,
  members: AgentLogin[],
): Promise<void> {
  await call(hub, "/channels", { name, members: members.map((member) => member.id) }, owner.token);
}

/** Two answers in a row, as a supervisor would ask before it sends traffic. */
export async function awaitHealthy(port: number): Promise<void> {
  for (let asked = 0; asked < 2; asked++) {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`);
    if (!response.ok) throw new Error(`GET /healthz: ${response.status}`);
    await response.arrayBuffer();
  }
}

async function call(hub: Hub, path: string, body: unknown, token?: string): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${hub.port}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${answer}`);
  return JSON.parse(answer) as Record<string, unknown>;
}

function text(record: Record<string, unknown>, key: string): string {
  const value = record[key];
  if (typeof value !== "string") throw new Error(`no ${key} in ${JSON.stringify(record)}`);
  return value;
}
