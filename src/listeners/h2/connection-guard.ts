import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { type BucketRate, drawToken, fullBucket } from "../../model/token-bucket.ts";
import { destroyLater } from "./destroy-later.ts";

export interface GuardLimits {
  readonly pings: BucketRate;
  readonly resets: BucketRate;
}

/**
 * A ping that follows data of ours measures the connection, as clients do to size their windows. What answers to
 * pings and settings take is less than this, on TLS too.
 */
const DATA_BYTES = 128;

/**
 * Ends a connection that pings, or starts calls and takes them back, more than `limits` allow: each costs the client a
 * frame and the hub more (CVE-2023-44487, CVE-2019-9512). The library below limits resets too, but only far above
 * what a client needs.
 */
export function guardConnection(session: ServerHttp2Session, connection: Duplex, limits: GuardLimits): void {
  destroyLater(session, connection);
  const pings = { ...fullBucket(limits.pings, performance.now()) };
  const resets = { ...fullBucket(limits.resets, performance.now()) };
  let sentBytes = 0;
  let isExpelled = false;
  const expel = (why: string): void => {
    if (isExpelled || session.destroyed) return;
    isExpelled = true;
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from(why));
    session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  };
  session.on("ping", () => {
    const nowBytes = session.socket?.bytesWritten ?? 0;
    const hasSent = nowBytes - sentBytes > DATA_BYTES;
    sentBytes = nowBytes;
    if (hasSent) return;
    // Clients know these words, and ping less from then on.
    if (!drawToken(pings, limits.pings, performance.now())) expel("too_many_pings");
  });
  const onceClosed = function (this: ServerHttp2Stream): void {
    if (this.rstCode === constants.NGHTTP2_NO_ERROR || session.destroyed) return;
    if (!drawToken(resets, limits.resets, performance.now())) expel("too_many_resets");
  };
  session.on("stream", (stream) => stream.once("close", onceClosed));
}
