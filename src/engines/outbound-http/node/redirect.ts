import { MeshError } from "../../../model/errors.ts";
import type { OutboundHead, OutboundRequest } from "../../../ports/outbound-http.ts";

/** What may go along to another origin: nothing that could be a secret. */
const HARMLESS: ReadonlySet<string> = new Set([
  "accept",
  "accept-language",
  "content-type",
  "user-agent",
  "a2a-version",
  "a2a-extensions",
]);
const KEEPS_METHOD: ReadonlySet<number> = new Set([307, 308]);
const ASKS_ANEW: ReadonlySet<number> = new Set([301, 302, 303]);

/**
 * Where the answer leads; undefined = it is the answer. What sends something is sent again only when the server says
 * that it must stay as it is (307, 308): anything else would drop what is sent.
 * @throws MeshError invalid_argument for a place that is no URL, permission_denied from https to http
 */
export function redirected(request: OutboundRequest, head: OutboundHead): OutboundRequest | undefined {
  const { location } = head.headers;
  const follows = KEEPS_METHOD.has(head.status) || (ASKS_ANEW.has(head.status) && request.method === "GET");
  if (!follows || location === undefined) return undefined;
  if (!URL.canParse(location, head.url)) {
    throw new MeshError("invalid_argument", "the server redirects to what is no URL");
  }
  const from = new URL(head.url);
  const to = new URL(location, from);
  if (from.protocol === "https:" && to.protocol !== "https:") {
    throw new MeshError(
      "permission_denied",
      `${from.host} redirects from https to ${to.protocol.slice(0, -1)}`,
      {
        hint: "give the URL that it should be called by",
      },
    );
  }
  if (from.origin === to.origin) return { ...request, url: to.href };
  const headers = Object.entries(request.headers ?? {}).filter(([name]) => HARMLESS.has(name.toLowerCase()));
  return { ...request, url: to.href, headers: Object.fromEntries(headers) };
}
