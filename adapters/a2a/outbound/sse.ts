import { DeliveryFailure } from "../../../src/adapter-kit.ts";

/** Of one event: a file of some megabytes as base64 still fits. */
const MAX_EVENT_CHARS = 16_777_216;
const LINE_END = /\r\n|\n|\r/;

/**
 * The data of each server-sent event, as the HTML standard reads them; comments and other fields are skipped.
 * @throws DeliveryFailure for an event that is too large
 */
export async function* eventsFrom(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  let data: string[] = [];
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > MAX_EVENT_CHARS) throw tooLarge();
    // A CR at the end may be the first half of a CRLF.
    const isSplit = rest.endsWith("\r");
    const lines = (isSplit ? rest.slice(0, -1) : rest).split(LINE_END);
    rest = `${lines.pop() ?? ""}${isSplit ? "\r" : ""}`;
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield data.join("\n");
        data = [];
      } else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "data") data.push("");
    }
    if (data.reduce((sum, line) => sum + line.length, 0) > MAX_EVENT_CHARS) throw tooLarge();
  }
  // What is not ended by an empty line is no event: the connection broke off in it.
}

function tooLarge(): DeliveryFailure {
  return new DeliveryFailure(`it streams an event of more than ${MAX_EVENT_CHARS} characters`, {
    isFinal: true,
  });
}
