import type { Input } from "../input.ts";

const BODY = '{"to":"victim","payload":1}';
const HOST = "Host: hub\r\n";
const AUTH = "Authorization: Bearer @TOKEN@\r\n";

/** Requests that each break one rule of RFC 9110 or 9112, or lean on it as far as it goes. */
export const HAND_MADE_REQUESTS: readonly Input[] = [
  ...smuggling(),
  ...chunkSizes(),
  ...requestLines(),
  ...headerLines(),
  ...largeThings(),
  ...pipelines(),
].map(([label, text]) => ({ label, segments: [Buffer.from(text, "latin1")] }));

type Named = readonly [label: string, text: string];

function post(headers: string, body = BODY): string {
  return `POST /send HTTP/1.1\r\n${HOST}${AUTH}${headers}\r\n${body}`;
}

function smuggling(): readonly Named[] {
  const length = `Content-Length: ${BODY.length}\r\n`;
  const chunked = `1b\r\n${BODY}\r\n0\r\n\r\n`;
  const hidden = "GET /agents HTTP/1.1\r\nHost: hub\r\n\r\n";
  const codings = [
    "chunked",
    "Chunked",
    " chunked",
    "chunked ",
    "\tchunked",
    "xchunked",
    "chunked, identity",
    "identity, chunked",
    "gzip, chunked",
    "chunked, chunked",
    "chunked\0",
    '"chunked"',
    "chunk",
    "identity",
    "gzip",
    "",
  ]; // prettier-ignore
  const lengths = [
    `+${BODY.length}`,
    `-1`,
    `0x1b`,
    `${BODY.length}, ${BODY.length}`,
    `${BODY.length},0`,
    "1e1",
    " ",
    "",
    "27 ",
    "27\t",
    "99999999999999999999",
    "18446744073709551616",
    "4294967296",
    "2 7",
    "٢٧",
    "27;q=1",
  ]; // prettier-ignore
  return [
    ["both lengths", post(`${length}Transfer-Encoding: chunked\r\n`, chunked)],
    ["both lengths, the coding first", post(`Transfer-Encoding: chunked\r\n${length}`, chunked)],
    [
      "a length of 0 before chunks",
      post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${hidden}`),
    ],
    ["two equal lengths", post(length + length)],
    ["two different lengths", post(`${length}Content-Length: 0\r\n`, BODY + hidden)],
    ["a length in a folded line", post(`X: y\r\n ${length}`)],
    ["a space before the colon", post(`Content-Length : ${BODY.length}\r\n`)],
    [
      "two codings in two headers",
      post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunked),
    ],
    [
      "a GET with a hidden request for a body",
      `GET /healthz HTTP/1.1\r\n${HOST}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
    ],
    ["lengths with underscore", post(`Content_Length: 3\r\n${length}`)],
    ["a coding on HTTP/1.0", post("Transfer-Encoding: chunked\r\n", chunked).replace("1.1", "1.0")],
    ...codings.map(
      (coding): Named => [
        `coding ${JSON.stringify(coding)}`,
        post(`Transfer-Encoding: ${coding}\r\n`, chunked),
      ],
    ),
    ...lengths.map((text): Named => [`length ${JSON.stringify(text)}`, post(`Content-Length: ${text}\r\n`)]),
  ];
}

function chunkSizes(): readonly Named[] {
  const sizes = [
    "",
    " ",
    "-1",
    "+1b",
    "0x1b",
    "1B",
    "1b ",
    " 1b",
    "1b;a=b",
    `1b;${"x".repeat(20_000)}`,
    "g",
    "1b\0",
    "00000000000000000000001b",
    "ffffffff",
    "ffffffffffffffff",
    "fffffffffffffffff",
    "7fffffffffffffff",
    "8000000000000000",
    "100000000000000001b",
    "1b\n",
    "1b\r",
  ]; // prettier-ignore
  const chunked = (body: string): string => post("Transfer-Encoding: chunked\r\n", body);
  return [
    ...sizes.map(
      (size): Named => [
        `chunk size ${JSON.stringify(size.slice(0, 20))}`,
        chunked(`${size}\r\n${BODY}\r\n0\r\n\r\n`),
      ],
    ),
    ["chunks with bare LF", chunked(`1b\n${BODY}\n0\n\n`)],
    ["a chunk that is longer than it says", chunked(`05\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a chunk without its end", chunked(`1b\r\n${BODY}0\r\n\r\n`)],
    ["trailers", chunked(`1b\r\n${BODY}\r\n0\r\nContent-Length: 5\r\nX: y\r\n\r\n`)],
    ["70 KB of trailers", chunked(`1b\r\n${BODY}\r\n0\r\nX: ${"y".repeat(70_000)}\r\n\r\n`)],
    ["trailers without end", chunked(`1b\r\n${BODY}\r\n0\r\n${"X: y\r\n".repeat(10_000)}`)],
    ["a byte in each chunk", chunked(`${[...BODY].map((char) => `1\r\n${char}\r\n`).join("")}0\r\n\r\n`)],
    ["5,000 chunks of nothing much", chunked(`${"1\r\n \r\n".repeat(5000)}0\r\n\r\n`)],
  ];
}

function requestLines(): readonly Named[] {
  const lines = [
    "GET",
    "GET /",
    "GET / HTTP/1.1",
    "GET  /healthz  HTTP/1.1",
    "GET\t/healthz\tHTTP/1.1",
    "GET /healthz HTTP/2.0",
    "GET /healthz HTTP/0.9",
    "GET /healthz HTTP/1.1.1",
    "GET /healthz http/1.1",
    "GET /healthz HTTP/1,1",
    "get /healthz HTTP/1.1",
    "\0GET /healthz HTTP/1.1",
    " GET /healthz HTTP/1.1",
    "GET http://hub/healthz HTTP/1.1",
    "GET http://hub@evil/healthz HTTP/1.1",
    "GET https://other/ws HTTP/1.1",
    "GET //healthz HTTP/1.1",
    "GET * HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "CONNECT hub:80 HTTP/1.1",
    "TRACE /healthz HTTP/1.1",
    "PRI * HTTP/2.0",
    "GET /%00 HTTP/1.1",
    "GET /agents/%zz HTTP/1.1",
    "GET /agents/%ff HTTP/1.1",
    "GET /agents/%2e%2e/x HTTP/1.1",
    "GET /agents/..;/x HTTP/1.1",
    "GET /agents/a%2fb HTTP/1.1",
    "GET /agents/\xff HTTP/1.1",
    "GET /history/#x HTTP/1.1",
    "GET /messages?limit=%zz&&=&a HTTP/1.1",
    "GET /messages?cursor=1-1&cursor=2-2 HTTP/1.1",
    "GET healthz HTTP/1.1",
    "GET /healthz?\0 HTTP/1.1",
    "DELETE /agents/__proto__ HTTP/1.1",
    "GET /agents/constructor HTTP/1.1",
    "\r\n\r\n\r\nGET /healthz HTTP/1.1",
    "G\0T /healthz HTTP/1.1",
    `${"A".repeat(5000)} / HTTP/1.1`,
    "POST /healthz HTTP/1.1",
    "HEAD /openapi.json HTTP/1.1",
    "-1 / HTTP/1.1",
  ]; // prettier-ignore
  return lines.map(
    (line): Named => [`request line ${JSON.stringify(line.slice(0, 40))}`, `${line}\r\n${HOST}${AUTH}\r\n`],
  );
}

function headerLines(): readonly Named[] {
  const lines = [
    "X: y\r\n folded",
    "X: y\r\n\tfolded",
    "X",
    ":",
    ": y",
    "X:",
    "X :y",
    "X\0: y",
    "X: y\0z",
    "X: \r",
    "X: y\rZ: w",
    "X: y\nZ: w",
    "(X): y",
    "X y: z",
    "\xff: y",
    "X: \xff",
    "Host: other",
    "Host: a b",
    "Host:",
    "Connection: close, upgrade",
    "Connection: \0",
    "Expect: 100-continue",
    "Expect: nonsense",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
    "Authorization: Bearer",
    "Authorization: Bearer ",
    "Authorization: Basic YTpi",
    "Authorization: Bearer a\tb",
    `Authorization: Bearer ${"x".repeat(9000)}`,
    "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.",
    "Authorization: Bearer mk_",
    "Origin: null",
    "Origin: \0",
    "Range: bytes=0-0,1-1,2-2",
    "Content-Encoding: gzip",
    "Accept: */*;q=\0",
    "Cookie: a=b",
    "X-Forwarded-For: 1.2.3.4, \0",
    `X-Forwarded-For: ${"1,".repeat(2000)}`,
    "Forwarded: for=_x",
    "traceparent: 00-0-0-0",
    `traceparent: 00-${"0".repeat(32)}-${"0".repeat(16)}-00`,
    "Last-Event-ID: \xff",
    "Content-Type: \0",
    "__proto__: x",
    "constructor: x",
  ]; // prettier-ignore
  return lines.flatMap((line): Named[] => [
    [
      `header ${JSON.stringify(line.slice(0, 40))}`,
      `GET /messages HTTP/1.1\r\n${HOST}${AUTH}${line}\r\n\r\n`,
    ],
    [
      `header ${JSON.stringify(line.slice(0, 40))} of a POST`,
      post(`${line}\r\nContent-Length: ${BODY.length}\r\n`),
    ],
  ]);
}

function largeThings(): readonly Named[] {
  const get = (headers: string, target = "/healthz"): string =>
    `GET ${target} HTTP/1.1\r\n${HOST}${headers}\r\n`;
  return [
    ["a header of 70 KB", get(`X: ${"y".repeat(70_000)}\r\n`)],
    ["a header name of 70 KB", get(`${"X".repeat(70_000)}: y\r\n`)],
    ["15 KB of headers", get(`X: ${"y".repeat(15_000)}\r\n`)],
    ["10,000 headers", get(Array.from({ length: 10_000 }, (_, at) => `X-${at}: y\r\n`).join(""))],
    ["a hundred headers", get(Array.from({ length: 100 }, (_, at) => `X-${at}: y\r\n`).join(""))],
    ["10,000 times the same header", get("X: y\r\n".repeat(10_000))],
    ["headers that never end", get("X: y\r\n".repeat(200_000)).slice(0, -2)],
    ["a target of 100 KB", get("", `/${"a".repeat(100_000)}`)],
    ["a target of 10 KB", get("", `/agents/${"a".repeat(10_000)}`)],
    ["a query of 12 KB", get(AUTH, `/agents?q=${"%20a".repeat(3000)}`)],
    ["a thousand parameters", get(AUTH, `/agents?${"a=b&".repeat(1000)}`)],
    ["a path of 2,000 segments", get("", "/a".repeat(2000))],
    ["a body that is over the limit", post("Content-Length: 3000000\r\n", "x".repeat(3_000_000))],
    ["a body that only says to be huge", post("Content-Length: 999999999999\r\n", "x")],
    ["only NULs", "\0".repeat(5000)],
    ["only line ends", "\r\n".repeat(20_000)],
    ["a TLS hello", `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${"a".repeat(500)}`],
    ["an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
    ["a PROXY header nobody asked for", `PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n${get("")}`],
  ];
}

function pipelines(): readonly Named[] {
  const get = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
  const list = `GET /messages?ack=manual HTTP/1.1\r\n${HOST}${AUTH}\r\n`;
  const send = post(`Content-Length: ${BODY.length}\r\n`);
  const upgrade = `GET /ws HTTP/1.1\r\n${HOST}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
  return [
    ["a hundred pipelined GETs", get.repeat(100)],
    ["pipelined sends", send.repeat(20)],
    ["pipelined lists", list.repeat(20)],
    [
      "a request behind one that waits",
      `GET /messages?wait=5&ack=manual HTTP/1.1\r\n${HOST}${AUTH}\r\n${get}`,
    ],
    ["an upgrade behind a request", list + upgrade],
    ["requests behind an upgrade", upgrade + get.repeat(5)],
    ["a request behind a refused body", post("Content-Length: 3000000\r\n", "") + get],
    ["close, then more", get.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n") + get.repeat(5)],
  ];
}
