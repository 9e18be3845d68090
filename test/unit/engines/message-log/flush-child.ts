/** Appends to an embedded log one after another and tells on stderr when each begins and is answered. */
import { writeSync } from "node:fs";
import { openEmbeddedLog } from "../../../../src/engines/message-log/embedded/index.ts";
import { createMessageIds } from "../../../../src/model/message-id.ts";

const APPENDS = 20;
const [path = "", durability] = process.argv.slice(2);
const nextId = createMessageIds(Date.now);
const log = await openEmbeddedLog({
  path,
  durability: durability === "process" ? "process" : "power",
  nowUnixMs: Date.now,
  onFatal: (error) => {
    throw error;
  },
  onWatcherError: () => undefined,
});
for (let number = 1; number <= APPENDS; number++) {
  writeSync(2, `BEGIN ${number}\n`);
  await log.append("inbox/a", { id: nextId(), bytes: Buffer.alloc(300 * number) });
  writeSync(2, `ANSWER ${number}\n`);
}
await log[Symbol.asyncDispose]();
