/** Run as a process of its own: writes for ever to the store of the path given and reports what answered. */
import { appendFileSync } from "node:fs";
import { openSqliteStores } from "../../../../src/engines/store/sqlite/sqlite-stores.ts";
import { agentRecord, inviteRecord, NOW_MS } from "../../../suites/store/store-fixture.ts";

const STDOUT = 1;
const [path = ""] = process.argv.slice(2);
const stores = await openSqliteStores({
  path,
  onFatal: (error) => {
    throw error;
  },
});

/** At once, so that a kill right after takes nothing of it. */
function report(what: string): void {
  appendFileSync(STDOUT, `${what}\n`);
}

async function join(id: string): Promise<void> {
  await stores.invites.create(inviteRecord(`nonce-${id}`));
  report(`invite nonce-${id}`);
  const outcome = await stores.invites.join(`nonce-${id}`, agentRecord(id), `key-${id}`, NOW_MS);
  if (outcome === "joined") report(`agent ${id}`);
}

for (let round = 0; ; round += 1) {
  await Promise.all([0, 1, 2, 3].map((lane) => join(`a${round}-${lane}`)));
}
