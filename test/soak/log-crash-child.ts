/**
 * Appends to an embedded log from many writers until it is killed, and tells on stdout, a line each, what was
 * answered: `a <stream> <offset> <id> <key|->` for an append, `m <stream> <offset>` for a mark.
 *
 * Arguments: folder, durability, seed, round, `honest` or `hasty` (tells before the answer: offset 0).
 */
import { openEmbeddedLog } from "../../src/engines/message-log/embedded/index.ts";
import { createMessageIds } from "../../src/model/message-id.ts";
import { createRandom } from "./log-random.ts";

const WRITERS = 256;
const STREAMS = 24;
const HUGE_BYTES = 90_000;

const [path = "", durability, seed = "0", round = "0", variant] = process.argv.slice(2);
const isHasty = variant === "hasty";
const nextId = createMessageIds(Date.now);
const log = await openEmbeddedLog({
  path,
  durability: durability === "process" ? "process" : "power",
  nowUnixMs: Date.now,
  onFatal: (error) => {
    throw error;
  },
  onWatcherError: (thrown) => {
    throw thrown;
  },
});

let lines = "";
let isFlushing = false;

/** Pipes are written to at once on Linux, so what is told here is out before the process can be killed. */
function tell(line: string): void {
  lines += `${line}\n`;
  if (isFlushing) return;
  isFlushing = true;
  setImmediate(() => {
    isFlushing = false;
    process.stdout.write(lines);
    lines = "";
  });
}

/** The text of a record names its writer and turn, so that the order of a writer's calls can be checked. */
async function write(writer: number): Promise<void> {
  const random = createRandom(`${seed}/${round}/${writer}`);
  const stream = `inbox/${writer % STREAMS}`;
  for (let turn = 1; ; turn++) {
    const id = nextId();
    const bytes = Buffer.alloc(random(100) === 0 ? HUGE_BYTES : 60 + random(1500), ".");
    bytes.write(`${id} ${round}.${writer} ${turn} `);
    const key = random(10) === 0 ? `${round}.${writer}.${random(50)}` : undefined;
    const call = log.append(stream, {
      id,
      bytes,
      ...(key === undefined ? {} : { dedupe: { key, windowMs: 1e8 } }),
    });
    if (isHasty) tell(`a ${stream} 0 ${id} -`);
    const appended = await call;
    if (!isHasty) tell(`a ${stream} ${appended.offset} ${appended.id} ${key ?? "-"}`);
    if (random(20) === 0) {
      const mark = await log.ack(stream, "inbox", appended);
      tell(`m ${stream} ${mark.offset}`);
    }
  }
}

process.stdout.write("ready\n");
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
