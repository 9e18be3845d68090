import type { OutboundHead, OutboundRequest, OutboundStream } from "../../ports/outbound-http.ts";
import { DeliveryFailure } from "../delivery-failure.ts";
import type { ReachCredential } from "./reach-credentials.ts";
import type { ReachHttp } from "./reach-http.ts";

/**
 * Shows the credential to its origin, and nobody else: a redirect to another origin does not take it along. Who wants
 * another one has refused for good, until that is set: calls reject with DeliveryFailure then.
 */
export function credentialedHttp(http: ReachHttp, credential: ReachCredential | undefined): ReachHttp {
  const shown = <Request extends OutboundRequest>(request: Request): Request =>
    credential === undefined || new URL(request.url).origin !== credential.origin
      ? request
      : { ...request, headers: { ...request.headers, [credential.header]: credential.value } };
  return {
    ...http,
    async request(request) {
      const answer = await http.request(shown(request));
      checkLetIn(answer, credential);
      return answer;
    },
    async stream(request) {
      const answer = await http.stream(shown(request));
      if (answer.status === 401) leave(answer);
      checkLetIn(answer, credential);
      return answer;
    },
  };
}

/** Nobody reads what it says about it. What was never begun cannot be left, so that is done first. */
function leave({ chunks }: OutboundStream): void {
  const pieces = chunks[Symbol.asyncIterator]();
  void pieces
    .next()
    .catch(() => undefined)
    .then(() => pieces.return?.());
}

/** @throws DeliveryFailure */
function checkLetIn({ status, url }: OutboundHead, credential: ReachCredential | undefined): void {
  if (status !== 401) return;
  const { host, origin } = new URL(url);
  const why = `${host} answered 401: ${whyNot(origin, credential)}`;
  throw new DeliveryFailure(why, { isFinal: true, isAnswer: true });
}

function whyNot(origin: string, credential: ReachCredential | undefined): string {
  if (credential === undefined)
    return "it wants a credential, and none is set (PUT /profile/reach/credential)";
  return credential.origin === origin
    ? "it does not take the credential that is set for it"
    : `it wants a credential, and the one that is set is for ${credential.origin} alone`;
}
