import type { HttpRequest, HttpResponse, Logger, RegistryApi, Route } from "../../src/adapter-kit.ts";
import { A2aError } from "./a2a-error.ts";
import { HUB } from "./asked.ts";
import { agentNotFound, type CardForm, type Cards, type ServedCard } from "./cards.ts";
import { a2aErrorFromThrown, headersFromError, httpErrorBody, httpStatusFrom } from "./errors.ts";
import { type HubSigner, KEY_SET_PATH } from "./hub-signer.ts";
import { askedFrom } from "./incoming.ts";
import { versionFrom } from "./versions.ts";

export interface CardRoutesDeps {
  readonly cards: Cards;
  readonly signer: HubSigner;
  readonly registry: Pick<RegistryApi, "authenticate">;
  readonly logger: Logger;
  readonly maxAgeS: number;
}

const CARD = ".well-known/agent-card.json";
/** Where clients of 0.2 looked. */
const OLD_CARD = ".well-known/agent.json";

/** Where cards are found: the hub's at the origin, each agent's at its base. */
export function cardRoutes(deps: CardRoutesDeps): readonly Route[] {
  return [
    cardRoute(deps, `/${CARD}`, formFrom),
    cardRoute(deps, `/${OLD_CARD}`, () => "0.3"),
    noCardRoute(deps, `/a2a/${CARD}`),
    noCardRoute(deps, `/a2a/${OLD_CARD}`),
    cardRoute(deps, `/a2a/:agent/${CARD}`, formFrom),
    cardRoute(deps, `/a2a/:agent/${OLD_CARD}`, () => "0.3"),
    { method: "GET", path: KEY_SET_PATH, handle: (request) => answerKeySet(deps, request) },
  ];
}

function cardRoute(deps: CardRoutesDeps, path: string, formOf: (request: HttpRequest) => CardForm): Route {
  return {
    method: "GET",
    path,
    handle: (request, { agent = HUB }) =>
      guarded(deps, `GET ${path}`, async () => answerCard(deps, request, { agent, form: formOf(request) })),
  };
}

/**
 * Clients that look for the card beside the base come here when an agent's base is given without its slash. Whom they
 * mean is not to be seen: a card of anybody would have them talk to the wrong agent without a word.
 */
function noCardRoute(deps: CardRoutesDeps, path: string): Route {
  const hint = `an agent's base ends with a slash: /a2a/<agent>/; the hub's own card is at /${CARD}`;
  const answer = async (): Promise<HttpResponse> => {
    throw new A2aError("AGENT_NOT_FOUND", "there is no card here", { metadata: { hint } });
  };
  return { method: "GET", path, handle: () => guarded(deps, `GET ${path}`, answer) };
}

/** Who says no version may be a client of 0.3, or one that reads whatever there is. */
function formFrom({ headers, query }: HttpRequest): CardForm {
  const names = headers.get("a2a-version") || new URLSearchParams(query).get("A2A-Version");
  return names ? versionFrom(headers, query) : "both";
}

interface WantedCard {
  readonly agent: string;
  readonly form: CardForm;
}

async function answerCard(
  { cards, registry, maxAgeS }: CardRoutesDeps,
  request: HttpRequest,
  { agent, form }: WantedCard,
): Promise<HttpResponse> {
  const { call } = await askedFrom(request, { base: agent, version: "1.0" }, registry);
  const isPrivate = call.principal.kind !== "anonymous";
  const card = await cards.served(call, agent, form).catch((thrown: unknown) => {
    throw agentNotFound(thrown, call);
  });
  return cachedAnswer(request, card, `${isPrivate ? "private" : "public"}, max-age=${maxAgeS}`);
}

function cachedAnswer({ headers }: HttpRequest, card: ServedCard, caching: string): HttpResponse {
  // Weak: the same card may carry another signature after a restart.
  const etag = `W/"${card.digest}"`;
  const kept = {
    etag,
    "cache-control": caching,
    "last-modified": new Date(card.sinceUnixMs).toUTCString(),
    vary: "authorization, a2a-version",
  };
  if (isKnown(headers, card, etag)) return { status: 304, headers: kept, body: "" };
  return { status: 200, headers: { "content-type": "application/json", ...kept }, body: card.body };
}

/** RFC 9110, section 13.2.2. */
function isKnown(headers: HttpRequest["headers"], { sinceUnixMs }: ServedCard, etag: string): boolean {
  const tags = headers.get("if-none-match");
  if (tags !== undefined) {
    const strong = etag.slice(2);
    return tags.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === strong);
  }
  const since = Date.parse(headers.get("if-modified-since") ?? "");
  return !Number.isNaN(since) && Math.floor(sinceUnixMs / 1000) * 1000 <= since;
}

function answerKeySet(deps: CardRoutesDeps, _request: HttpRequest): Promise<HttpResponse> {
  return guarded(deps, `GET ${KEY_SET_PATH}`, async () => ({
    status: 200,
    headers: {
      "content-type": "application/jwk-set+json",
      "cache-control": `public, max-age=${deps.maxAgeS}`,
    },
    body: JSON.stringify(await deps.signer.keySet()),
  }));
}

async function guarded(
  { logger }: CardRoutesDeps,
  name: string,
  answer: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  try {
    return await answer();
  } catch (thrown) {
    return errorAnswer(a2aErrorFromThrown(thrown, name, logger));
  }
}

function errorAnswer(error: A2aError): HttpResponse {
  return {
    status: httpStatusFrom(error),
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...headersFromError(error),
    },
    body: JSON.stringify(httpErrorBody(error)),
  };
}
