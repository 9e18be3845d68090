import { START } from "../../src/model/position.ts";
import type { MessageLog } from "../../src/ports/message-log.ts";

const SHOWN_VIOLATIONS = 20;
const SAMPLE_EVERY = 50;

interface Answered {
  readonly stream: string;
  /** 0: told without knowing it. */
  readonly offset: number;
  readonly id: string;
  readonly key: string | undefined;
}

/** What the killed processes were answered, and whether a log holds to it. */
export class CrashReport {
  readonly #answers: Answered[] = [];
  readonly #marks = new Map<string, number>();

  get answered(): number {
    return this.#answers.length;
  }

  take(lines: readonly string[]): void {
    for (const line of lines) {
      const [verb, stream = "", offset = "0", id = "", key] = line.split(" ");
      if (verb === "a") {
        this.#answers.push({ stream, offset: Number(offset), id, key: key === "-" ? undefined : key });
      }
      if (verb === "m") this.#marks.set(stream, Math.max(this.#marks.get(stream) ?? 0, Number(offset)));
    }
  }

  /** What is wrong, the first of it. */
  async check(log: MessageLog): Promise<string[]> {
    const violations: string[] = [];
    const ids = new Map<string, string>();
    const streams = new Map<string, string[]>();
    for (const { stream } of this.#answers) {
      if (streams.has(stream)) continue;
      const { ids: found, wrong } = await readStream(log, stream);
      streams.set(stream, found);
      violations.push(...wrong);
      for (const [index, id] of found.entries()) {
        const place = `${stream} ${index + 1}`;
        const other = ids.get(id);
        if (other !== undefined) violations.push(`${id} stands at ${other} and at ${place}`);
        ids.set(id, place);
      }
    }
    for (const answer of this.#answers) violations.push(...checkPlace(answer, streams, ids));
    violations.push(...(await this.#checkMarks(log)), ...(await this.#checkLookups(log)));
    return violations.slice(0, SHOWN_VIOLATIONS);
  }

  async #checkMarks(log: MessageLog): Promise<string[]> {
    const wrong: string[] = [];
    for (const [stream, offset] of this.#marks) {
      const mark = await log.acked(stream, "inbox");
      if (mark.offset < offset)
        wrong.push(`the mark of ${stream} is at ${mark.offset}, ${offset} was answered`);
    }
    return wrong;
  }

  /** A sample: each of it costs a search. */
  async #checkLookups(log: MessageLog): Promise<string[]> {
    const wrong: string[] = [];
    for (const [index, { stream, offset, id, key }] of this.#answers.entries()) {
      if (offset === 0 || index % SAMPLE_EVERY !== 0) continue;
      const found = await log.locate(id);
      if (found?.stream !== stream || found.position.offset !== offset) {
        wrong.push(`${id} is located at ${found?.stream} ${found?.position.offset}, not ${stream} ${offset}`);
      }
      if (key === undefined) continue;
      const again = await log.append(stream, { id, bytes: Buffer.alloc(0), dedupe: { key, windowMs: 1 } });
      if (!again.duplicate || again.offset !== offset)
        wrong.push(`the key ${key} of ${stream} ${offset} is forgotten`);
    }
    return wrong;
  }
}

function checkPlace(
  { stream, offset, id }: Answered,
  streams: ReadonlyMap<string, readonly string[]>,
  ids: ReadonlyMap<string, string>,
): string[] {
  if (offset === 0) return ids.has(id) ? [] : [`missing: ${stream} ${id}`];
  const there = streams.get(stream)?.[offset - 1];
  return there === id ? [] : [`missing: ${stream} ${offset} ${id}, there is ${there}`];
}

/** Ids in order of offset, and what is wrong with offsets, contents and the order of each writer's calls. */
async function readStream(log: MessageLog, stream: string): Promise<{ ids: string[]; wrong: string[] }> {
  const ids: string[] = [];
  const wrong: string[] = [];
  const turns = new Map<string, number>();
  let from = START;
  for (;;) {
    const page = await log.read(stream, { from, limit: 1000, maxBytes: 8_000_000 });
    if (page.gap) wrong.push(`a gap in ${stream} after ${from.offset}`);
    const last = page.records.at(-1);
    if (last === undefined) {
      if (page.end.offset !== ids.length)
        wrong.push(`${stream} ends at ${page.end.offset}, ${ids.length} were read`);
      return { ids, wrong };
    }
    for (const record of page.records) {
      const [id = "", writer = "", turn = "0"] = Buffer.from(record.bytes)
        .toString("latin1", 0, 60)
        .split(" ");
      ids.push(id);
      if (record.offset !== ids.length)
        wrong.push(`${stream} ${record.offset} is read as number ${ids.length}`);
      if (Number(turn) <= (turns.get(writer) ?? 0))
        wrong.push(`${stream} ${record.offset}: ${writer} out of order`);
      turns.set(writer, Number(turn));
    }
    from = { epoch: last.epoch, offset: last.offset };
  }
}
