import type { Socket } from "node:net";
import { onTestFinished } from "vitest";
import { openRaw } from "./transport.ts";

/** A TCP client that does what no well-behaved HTTP client would. */
export class RawClient {
  readonly socket: Socket;
  /** Resets, which are one of the ways in which a server may end a connection; `close` follows. */
  readonly errors: Error[] = [];
  readonly #parts: Buffer[] = [];
  #isClosed = false;

  readonly #tcp: Socket;

  private constructor(socket: Socket, tcp: Socket) {
    this.socket = socket;
    this.#tcp = tcp;
    socket.on("data", (part) => this.#parts.push(part));
    socket.on("error", (error) => this.errors.push(error));
    socket.on("close", () => {
      this.#isClosed = true;
    });
  }

  static async connect(port: number, localAddress?: string): Promise<RawClient> {
    const { socket, tcp } = await openRaw(port, localAddress);
    const client = new RawClient(socket, tcp);
    onTestFinished(() => {
      socket.destroy();
    });
    return client;
  }

  /** Breaks the connection. */
  reset(): void {
    this.#tcp.resetAndDestroy();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** What came so far, as Latin-1. */
  get text(): string {
    return Buffer.concat(this.#parts).toString("latin1");
  }

  /** Resolves when the kernel has it, so that the next write is another segment. */
  write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(data, () => resolve());
    });
  }

  /** What came, as soon as it is enough. Rejects when the connection ends before. */
  until(isEnough: (text: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const { text } = this;
        if (isEnough(text)) finish(() => resolve(text));
        else if (this.#isClosed) finish(() => reject(new Error(`closed after ${JSON.stringify(text)}`)));
      };
      const finish = (settle: () => void) => {
        this.socket.off("data", look).off("close", look);
        settle();
      };
      this.socket.on("data", look).on("close", look);
      look();
    });
  }

  /** All that came, when the other side has closed. */
  async untilClosed(): Promise<string> {
    if (!this.#isClosed) await new Promise((resolve) => this.socket.once("close", resolve));
    return this.text;
  }

  /** One whole response of which the length is told. */
  async response(): Promise<{ readonly status: number; readonly head: string; readonly body: string }> {
    const text = await this.until((soFar) => responseLength(soFar) !== undefined);
    const [head = "", body = ""] = splitHead(text);
    return { status: Number(head.slice(9, 12)), head: head.toLowerCase(), body };
  }
}

function splitHead(text: string): readonly [string, string] | readonly [] {
  const end = text.indexOf("\r\n\r\n");
  return end === -1 ? [] : [text.slice(0, end), text.slice(end + 4)];
}

function responseLength(text: string): number | undefined {
  const [head, body] = splitHead(text);
  if (head === undefined || body === undefined) return undefined;
  const length = /content-length: (\d+)/i.exec(head)?.[1];
  return length !== undefined && body.length >= Number(length) ? Number(length) : undefined;
}
