export const PRIVATE = "war-room";
export const PUBLIC = "town-square";

/** What the third agent got to know somehow. */
export interface Known {
  readonly direct: string;
  readonly failed: string;
  readonly privately: string;
  readonly publicly: string;
  readonly cursors: readonly string[];
}

/** A call that must give nothing away; `status`: what it may answer. */
export interface Attempt {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly status: readonly number[];
}

function call(method: string, path: string, status: readonly number[], body?: unknown): Attempt {
  return { method, path, status, ...(body !== undefined && { body }) };
}

/** Every REST call by which a third agent might read, learn or change what two others have. */
export function restAttempts(known: Known): readonly Attempt[] {
  const ids = [known.direct, known.failed, known.privately, known.publicly];
  const histories = ["ann", "bob", "eve", "ghost", "nobody"];
  const cursors = [
    "0-0",
    "1-1",
    "1-4",
    "1-999",
    "2-1",
    "1-1~1-4",
    "x~1-4",
    "1-4~x",
    "x~x",
    "x",
    "~",
    "1-4~1-4~1-4",
    "a~b",
  ];
  return [
    ...ids.flatMap((id) => [
      call("GET", `/messages/${id}/status`, [404]),
      call("POST", `/messages/${id}/processed`, [404], { ok: true }),
      call("POST", `/messages/${id}/processed`, [404], { ok: false, note: "mine" }),
      call("POST", `/messages/${id}/redrive`, [404]),
    ]),
    ...known.cursors
      .slice(1)
      .flatMap((cursor) => [
        call("POST", "/messages/ack", [410], { cursor }),
        call("GET", `/messages?cursor=${cursor}`, [410]),
        call("GET", `/messages?cursor=${cursor}&ack=manual`, [410]),
      ]),
    ...histories.map((peer) => call("GET", `/history/${peer}`, [200, 404])),
    ...histories.flatMap((peer) =>
      cursors.map((cursor) =>
        call("GET", `/history/${peer}?cursor=${encodeURIComponent(cursor)}`, [200, 400, 404, 410]),
      ),
    ),
    call("GET", `/history/%23${PRIVATE}`, [404]),
    call("GET", `/history/%23${PUBLIC}`, [403]),
    call("GET", "/history/inbox%2Fbob", [400]),
    call("GET", "/history/..%2Fbob", [400]),
    call("GET", `/channels/${PRIVATE}/history`, [404]),
    call("GET", `/channels/${PRIVATE}/history?cursor=1-1`, [404]),
    call("GET", `/channels/${PRIVATE}/members`, [404]),
    call("POST", `/channels/${PRIVATE}/join`, [404]),
    call("POST", `/channels/${PRIVATE}/leave`, [404]),
    call("POST", `/channels/${PRIVATE}/members`, [404], { members: ["eve"] }),
    call("POST", `/channels/${PRIVATE}/send`, [404], { payload: 1 }),
    call("POST", "/send", [404], { to: `#${PRIVATE}`, payload: 1 }),
    call("DELETE", `/channels/${PRIVATE}`, [404]),
    call("GET", `/channels/${PUBLIC}/history`, [403]),
    call("GET", `/channels/${PUBLIC}/members`, [403]),
    call("POST", `/channels/${PUBLIC}/members`, [403], { members: ["eve"] }),
    call("POST", `/channels/${PUBLIC}/send`, [403], { payload: 1 }),
    call("DELETE", `/channels/${PUBLIC}`, [403]),
    call("GET", "/channels", [200]),
    call("GET", `/channels?cursor=war`, [200]),
    call("GET", "/messages/dead", [200]),
    call("GET", `/messages/dead?cursor=${known.failed}`, [200, 400]),
    call("GET", "/messages", [200]),
    call("GET", "/blocks", [200]),
    call("DELETE", "/blocks/ann", [404]),
    call("DELETE", "/agents/ann", [403]),
    call("GET", "/agents/ghost", [404]),
    call("GET", "/agents?limit=500", [200]),
    call("GET", "/agents?q=ghost", [200]),
    call("GET", "/stats", [200]),
    call("GET", "/network", [200]),
    call("GET", "/context", [200]),
    call("GET", "/invites", [200, 403]),
    call("POST", "/send", [400], { to: "bob", payload: 1, from: "ann" }),
    call("POST", "/send", [400], { to: "inbox/bob", payload: 1 }),
  ];
}
