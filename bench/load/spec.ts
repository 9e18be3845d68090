export type AgentLogin = { id: string; token: string };

/** How JetStream is used; the fastest shape on a machine is the peer, see `cases/peer-shapes.ts`. */
export type JetStreamShape = {
  streams: "one" | "per-lane";
  deliver: "push" | "pull";
  ackPolicy: "explicit" | "all";
};

export type LaneSpec =
  | { wire: "hub"; port: number; sender: AgentLogin; receiver: AgentLogin; receive: boolean }
  | { wire: "jetstream"; port: number; shape: JetStreamShape; receive: boolean }
  | { wire: "rest"; port: number; sender: AgentLogin; receiver: AgentLogin }
  | {
      wire: "rpc";
      /** `session`: to a hub, all of one turn in a frame; `echo`: to the wire alone, a message per frame. */
      mode: "unary" | "echo" | "batched-echo" | "session";
      port: number;
      sender?: { token: string; receiver: string };
    };

export type WindowSpec = {
  load: "window";
  lanes: LaneSpec[];
  window: number;
  payloadBytes: number;
  /** Messages per lane before the clock starts, and while it runs. */
  warmUp: number;
  count: number;
  /** Nothing is sent after this much time, whatever `count` says. */
  maxMs: number;
  serverPid: number;
};

export type DrainSpec = {
  load: "drain";
  /** The inbox, or the JetStream stream, that `count` messages of one lane were stored in before. */
  source:
    | { wire: "hub"; port: number; reader: AgentLogin }
    | { wire: "jetstream"; port: number; shape: JetStreamShape };
  count: number;
  payloadBytes: number;
  serverPid: number;
};

export type FanoutSpec = {
  load: "fanout";
  target:
    | { wire: "hub"; port: number; sender: AgentLogin; members: AgentLogin[]; channel: string }
    | { wire: "jetstream"; port: number; members: number; durable: boolean };
  payloadBytes: number;
  warmUp: number;
  /** Messages one after another, for the time to the last member; then as many with `window` in flight. */
  count: number;
  window: number;
  serverPid: number;
};

/** Sessions that are opened and then say nothing. */
export type IdleSpec = {
  load: "idle";
  port: number;
  /** Used one after another, again and again. */
  logins: AgentLogin[];
  /** Sessions that come and go before the first look. */
  warmUp: number;
  sessions: number;
  /** Before each look at the memory. */
  restMs: number;
  serverPid: number;
};

/** Tasks: given one after another by each caller, followed to their end, or followed and at rest. */
export type TasksSpec = {
  load: "tasks";
  port: number;
  dialect: "rest" | "a2a";
  mode: "give" | "stream" | "hold";
  callers: AgentLogin[];
  workers: AgentLogin[];
  warmUp: number;
  count: number;
  /** Of a task's artifact. */
  pieces: number;
  /** Before each look at the memory. */
  restMs: number;
  serverPid: number;
};

export type LoadSpec = WindowSpec | DrainSpec | FanoutSpec | IdleSpec | TasksSpec;

/** Metrics by name, and what was wrong; a run with faults is no result. */
export type LoadResult = { metrics: Record<string, number>; faults: string[] };
