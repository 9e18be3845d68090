import { Agent, request } from "node:http";
import { type OutMessage, placeFromCursor, type SendOutcome } from "../support/session-wire.ts";

/** POST /send over one kept connection. */
export class KeptAliveSender {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  /** Undefined when no whole answer came: then nobody knows whether the message was accepted. */
  async send(base: string, message: OutMessage): Promise<SendOutcome | undefined> {
    const answer = await this.#post(`${base}/send`, bodyOf(message)).catch(() => undefined);
    if (answer === undefined) return undefined;
    const parsed = JSON.parse(answer.text);
    if (answer.status !== 202) {
      const error = `${answer.status} ${parsed.error?.code}`;
      return { ref: message.ref, id: "", epoch: 0, offset: 0, duplicate: false, error };
    }
    const { message_id: id, position, duplicate } = parsed;
    return {
      ref: message.ref,
      id,
      ...placeFromCursor(position),
      duplicate: duplicate === true,
      error: undefined,
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(url: string, body: string): Promise<{ status: number; text: string }> {
    const headers = {
      authorization: `Bearer ${this.#token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    return new Promise((resolve, reject) => {
      const call = request(url, { method: "POST", agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("close", () => {
          if (!response.complete) return reject(new Error("the answer was cut off"));
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") });
        });
      });
      call.on("error", reject);
      call.end(body);
    });
  }
}

function bodyOf({ to, payload, dedupeKey }: OutMessage): string {
  const head = JSON.stringify({ to, dedupe_key: dedupeKey, receipts: false });
  return `${head.slice(0, -1)},"payload":${payload}}`;
}
