import type { HubApi } from "../../../../src/api/hub-api.ts";
import type { Principal } from "../../../../src/model/principal.ts";

/** What reached the HubApi: the method's name and its arguments after the call. */
export interface Reached {
  readonly method: string;
  readonly args: readonly unknown[];
}

export interface FakeApi {
  readonly api: HubApi;
  readonly reached: Reached[];
}

/** A HubApi that writes down what reaches it and answers from a table: the translation alone is under test. */
export function createFakeApi(answers: Readonly<Record<string, unknown>> = {}): FakeApi {
  const reached: Reached[] = [];
  const answer = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    if (method === "authenticate") return principalOf(args[0]);
    reached.push({ method, args: args.slice(1) });
    if (!(method in answers)) throw new Error(`the fake hub has no answer for ${method}`);
    return answers[method];
  };
  const layer = (): never =>
    new Proxy(
      {},
      {
        get:
          (_, name) =>
          (...args: unknown[]) =>
            answer(String(name), args),
      },
    ) as never;
  const api = {
    relay: layer(),
    tasks: layer(),
    pushes: layer(),
    reach: layer(),
    channels: layer(),
    registry: layer(),
    overview: layer(),
    operator: layer(),
  };
  return { api, reached };
}

function principalOf(bearer: unknown): Principal {
  return bearer === undefined
    ? { kind: "anonymous" }
    : {
        kind: "agent",
        agentId: String(bearer),
        credential: { keyHash: "a-hash", kid: undefined },
        expiresUnixMs: undefined,
      };
}
