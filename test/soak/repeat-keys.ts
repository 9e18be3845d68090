import type { Cast } from "./cast.ts";
import type { Ledger } from "./ledger.ts";

const REPEATS = 40;

/** After the crash, a sample of accepted messages again under their keys: each must give its first id and place. */
export async function repeatKeys(ledger: Ledger, { writers }: Cast): Promise<void> {
  const keyed = ledger.sent.filter(({ key, state }) => key !== undefined && state === "accepted");
  const step = Math.max(1, Math.floor(keyed.length / REPEATS));
  for (let index = 0; index < keyed.length; index += step) {
    const message = keyed[index];
    const writer = message && writers[message.writer];
    if (message === undefined || writer === undefined) continue;
    const body = { to: message.to, payload: { c: `${message.content}.again` }, dedupe_key: message.key };
    const answer = await writer.post("/send", { ...body, receipts: false });
    const { message_id: id, position, duplicate } = Object(answer.json);
    const isFirst = id === message.id && position === `${message.place.epoch}-${message.place.offset}`;
    if (answer.status !== 202 || !isFirst || duplicate !== true) {
      ledger.wrongRepeats.push(`a repeat of ${message.content} (${message.id}) was answered ${answer.text}`);
    }
  }
}
