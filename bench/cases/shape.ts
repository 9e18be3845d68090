import type { JetStreamShape } from "../load/spec.ts";

/**
 * The fastest ways to use JetStream in the case `peer-shapes`, where they cannot be told apart: whichever is
 * the faster in a case is its peer.
 */
export const JETSTREAM_PUSH: JetStreamShape = { streams: "per-lane", deliver: "push", ackPolicy: "all" };
export const JETSTREAM_PULL: JetStreamShape = { ...JETSTREAM_PUSH, deliver: "pull" };
