import fc from "fast-check";
import { mutated, sample } from "../generators/bytes.ts";
import type { Input, Wire } from "../input.ts";

const EVENT_IDS = [
  "1-0",
  "1-1",
  "",
  "0",
  "-",
  "99-1",
  "1-99999999999999999999",
  "1--1",
  "1-1e3",
  "\xff",
  "\0",
  "x".repeat(9000),
  "1-0, 1-1",
];
const QUERIES = [
  "",
  "?cursor=1-0",
  "?cursor=%00",
  "?ticket=",
  "?ticket=wrong",
  "?ticket=@TOKEN@",
  "?ticket=a&ticket=b",
  "?cursor=1-0&cursor=9-9",
];
const ACCEPTS = ["text/event-stream", "application/json", "*/*;q=0", ""];

/** The stream of events: its requests, and clients that leave in the middle of it. */
export const sseWire: Wire = {
  name: "sse",
  port: (ports) => ports.http,
  handMade: () =>
    EVENT_IDS.flatMap((id) => QUERIES.map((query) => input(request(query, id, "text/event-stream")))),
  generated(_context, seed, count) {
    const sound = fc
      .tuple(fc.constantFrom(...QUERIES), fc.constantFrom(...EVENT_IDS), fc.constantFrom(...ACCEPTS))
      .map(([query, id, accept]) => request(query, id, accept));
    const broken = mutated(QUERIES.map((query) => request(query, "1-0", "text/event-stream")));
    return sample(fc.oneof(sound, broken).map(input), seed, count);
  },
};

function request(query: string, eventId: string, accept: string): Buffer {
  return Buffer.from(
    `GET /messages/stream${query} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer @TOKEN@\r\nAccept: ${accept}\r\n` +
      `Last-Event-ID: ${eventId}\r\n\r\n`,
    "latin1",
  );
}

function input(bytes: Buffer): Input {
  return { label: "a request for the stream", segments: [bytes] };
}
