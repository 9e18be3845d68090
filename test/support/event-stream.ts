import { until } from "./until.ts";

/** A dispatched event, by the rules of the HTML standard (section 9.2.6). */
export interface StreamEvent {
  readonly event: string;
  /** The last id so far. */
  readonly id: string;
  readonly data: string;
}

export interface EventReader {
  /** What the next part of the stream completes. */
  read(part: string): StreamEvent[];
  readonly comments: string[];
  retryMs: number | undefined;
}

/** Reads a stream by the same rules. */
export function createEventReader(): EventReader {
  let rest = "";
  let id = "";
  const reader: EventReader = {
    comments: [],
    retryMs: undefined,
    read(part) {
      const blocks = (rest + part).split("\n\n");
      rest = blocks.pop() ?? "";
      return blocks.flatMap((block) => eventFrom(block));
    },
  };
  function eventFrom(block: string): StreamEvent[] {
    const data: string[] = [];
    let event = "message";
    for (const line of block.split(/\r\n|\n|\r/)) {
      const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (line.startsWith(":")) reader.comments.push(value);
      else if (field === "data") data.push(value);
      else if (field === "event") event = value;
      else if (field === "id") id = value;
      else if (field === "retry") reader.retryMs = Number(value);
    }
    return data.length > 0 ? [{ event, id, data: data.join("\n") }] : [];
  }
  return reader;
}

/** Follows a stream of server-sent events over a real socket, as an EventSource that can set headers would. */
export class EventStreamClient {
  readonly response: Response;
  readonly events: StreamEvent[] = [];
  hasEnded = false;
  readonly #reader = createEventReader();
  readonly #abort: AbortController;

  /** Answers when the head is there, whatever its status. */
  static async open(
    url: string,
    options: { readonly token?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<EventStreamClient> {
    const abort = new AbortController();
    const headers = {
      accept: "text/event-stream",
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
      ...options.headers,
    };
    const response = await fetch(url, { headers, signal: abort.signal });
    return new EventStreamClient(response, abort);
  }

  private constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    if (response.status === 200) void this.#read();
  }

  get retryMs(): number | undefined {
    return this.#reader.retryMs;
  }

  /** The `message` events, as JSON. */
  messages(): { readonly payload: unknown; readonly cursor: string; readonly kind: string }[] {
    return this.events.filter(({ event }) => event === "message").map(({ data }) => JSON.parse(data));
  }

  untilMessages(count: number): Promise<unknown> {
    return until(`${count} messages`, () => this.messages().length >= count);
  }

  untilEnded(): Promise<unknown> {
    return until("the stream's end", () => this.hasEnded);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const part of this.response.body ?? []) {
        this.events.push(...this.#reader.read(decoder.decode(part, { stream: true })));
      }
    } catch {
      // Cut, by this side or the other: the stream is over.
    } finally {
      this.hasEnded = true;
    }
  }
}
