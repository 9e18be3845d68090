import type { JWK } from "jose";
import { z } from "zod";
import {
  DeliveryFailure,
  failureFromStatus,
  failureFromUnknown,
  type OutboundAnswer,
  type OutboundHttp,
} from "../../../src/adapter-kit.ts";
import { jsonObjectFromBytes } from "../json.ts";

const MAX_BYTES = 262_144;
const MAX_KEYS = 100;
const TIMEOUT_MS = 15_000;
const MAX_REDIRECTS = 3;

const keyShape = z.looseObject({
  kty: z.enum(["EC", "OKP", "RSA"]),
  kid: z.string().exactOptional(),
  alg: z.string().exactOptional(),
  use: z.string().exactOptional(),
});
/** Keys of kinds that are not known are passed over. */
const keySetShape = z.looseObject({ keys: z.array(z.unknown()).max(MAX_KEYS) });

export type PublicKey = z.output<typeof keyShape>;

export interface KeySets {
  /**
   * The keys that stand there; each place is asked once.
   * @throws DeliveryFailure final for what is no key set, or is not to be called; passing when it cannot be had now
   */
  of(jku: string): Promise<readonly PublicKey[]>;
}

/** Key sets (RFC 7517) that signatures name. */
export function createKeySets(deps: { readonly http: OutboundHttp; readonly signal: AbortSignal }): KeySets {
  const asked = new Map<string, Promise<readonly PublicKey[]>>();
  return {
    of(jku) {
      const known = asked.get(jku) ?? fetchKeys(jku, deps);
      asked.set(jku, known);
      return known;
    },
  };
}

/**
 * The one key of that name, made for such signatures.
 * @throws Error when there is none, or two
 */
export function keyOf(keys: readonly PublicKey[], kid: string, alg: string): JWK {
  const [key, ...others] = keys.filter((one) => one.kid === kid);
  if (key === undefined) throw new Error("its key set does not hold the key");
  // Which of them is meant nobody could say, and one may be a stranger's.
  if (others.length > 0) throw new Error("its key set holds more than one key of that name");
  if (key.alg !== undefined && key.alg !== alg) throw new Error(`its key is for ${key.alg}, not for ${alg}`);
  if (key.use !== undefined && key.use !== "sig") throw new Error("its key is not for signatures");
  return key;
}

/** A public key that somebody wrote as a text of JSON; undefined = it is none. */
export function keyFromText(text: string | undefined): JWK | undefined {
  if (text?.trimStart().startsWith("{") !== true) return undefined;
  try {
    const parsed = keyShape.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

async function fetchKeys(
  jku: string,
  { http, signal }: Parameters<typeof createKeySets>[0],
): Promise<readonly PublicKey[]> {
  const answer = await fetched(jku, http, signal);
  if (answer.status !== 200) {
    const { isAnswer } = failureFromStatus(answer, Date.now());
    throw new DeliveryFailure(`its key set answers ${answer.status}`, { isFinal: isAnswer, isAnswer });
  }
  const parsed = keySetShape.safeParse(jsonObjectFromBytes(answer.body));
  if (!parsed.success) throw new DeliveryFailure("its key set is none", { isFinal: true, isAnswer: true });
  return parsed.data.keys.flatMap((one) => {
    const key = keyShape.safeParse(one);
    return key.success ? [key.data] : [];
  });
}

async function fetched(jku: string, http: OutboundHttp, signal: AbortSignal): Promise<OutboundAnswer> {
  try {
    return await http.request({
      ...{ method: "GET", url: jku, headers: { accept: "application/json" } },
      ...{ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, maxRedirects: MAX_REDIRECTS, signal },
    });
  } catch (thrown) {
    const { message, isFinal, isAnswer } = failureFromUnknown(thrown);
    throw new DeliveryFailure(`its key cannot be fetched: ${message}`, { isFinal, isAnswer, cause: thrown });
  }
}
