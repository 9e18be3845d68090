/** Stands in inputs for what differs from hub to hub; replaced by the real thing when an input is thrown. */
export const PLACEHOLDERS = { token: "@TOKEN@", apiKey: "@KEY@", nonce: "@NONCE@" } as const;

/** One thing thrown at a wire: bytes on a connection of its own. */
export interface Input {
  /** What it tries, for the report. */
  readonly label: string;
  /** Each is written by itself, so that the hub sees it by itself. */
  readonly segments: readonly Uint8Array[];
  /** Sent first, and answered by something that ends with `openingEnd`, before the segments go out. */
  readonly opening?: Uint8Array;
  readonly openingEnd?: string;
  /** The answer is whole when these bytes are in it. Without them: when a whole HTTP response is. */
  readonly end?: Buffer;
  /** It is well framed: no answer at all is a finding. */
  readonly mustAnswer?: boolean;
}

/** A protocol on a port of the hub, and what a hostile client may say to it. */
export interface Wire {
  readonly name: string;
  /** Bytes for a port that speaks TLS, to be thrown onto the bare connection. */
  readonly isBelowTls?: boolean;
  /** Undefined: this hub does not speak it. */
  port(ports: Ports): number | undefined;
  /** Frames written by hand: the same ones every time, thrown once in each round. */
  handMade(context: WireContext): readonly Input[];
  /** `count` inputs that follow from the seed alone. */
  generated(context: WireContext, seed: number, count: number): readonly Input[];
}

export interface Ports {
  readonly http: number;
  readonly grpc: number | undefined;
}

/** What the generators know of the hub; the same for every hub of one version. */
export interface WireContext {
  readonly operations: readonly Operation[];
}

/** One operation of the REST interface, as the hub's own OpenAPI document tells it. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly example: unknown;
}

const SEPARATOR = ".";

/** As `--replay` takes it. */
export function hexOf({ opening, segments }: Input): string {
  const parts = [opening ?? new Uint8Array(), ...segments];
  return parts.map((part) => Buffer.from(part).toString("hex")).join(SEPARATOR);
}

/** @throws when the text is not what `hexOf` gives */
export function inputFromHex(text: string): Input {
  const [opening = "", ...segments] = text.split(SEPARATOR);
  if (!/^[0-9a-f.]*$/.test(text)) throw new Error("that is not the hex of an input");
  const bytes = segments.map((part) => Buffer.from(part, "hex"));
  if (opening === "") return { label: "replayed", segments: bytes };
  return {
    label: "replayed",
    segments: bytes,
    opening: Buffer.from(opening, "hex"),
    openingEnd: "\r\n\r\n",
  };
}
