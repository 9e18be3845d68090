import { randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { type Answer, isAnswer, objectMember } from "./answer.ts";
import { parseExactJson } from "./exact-json.ts";
import { unreachableError } from "./hub-client.ts";

const TIMEOUT_MS = 10_000;
const MAX_BODY_CHARS = 65_536;

/** What the hub answers to a WebSocket upgrade: 101, or a refusal with its reasons where it gave some. */
export interface UpgradeAnswer {
  readonly status: number;
  /** `{code, message, hint}` of the hub; empty when there is none. */
  readonly detail: Answer;
}

/**
 * Asks for an upgrade and hangs up. The browser's WebSocket keeps to itself why it was refused, so this is asked
 * after a failure.
 * @throws CliError retryable when the hub cannot be reached
 */
export async function askForUpgrade(url: string, subprotocol: string): Promise<UpgradeAnswer> {
  const send = url.startsWith("https:") ? httpsRequest : httpRequest;
  const answer = Promise.withResolvers<UpgradeAnswer>();
  const request = send(`${url}/ws`, {
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": randomBytes(16).toString("base64"),
      "sec-websocket-protocol": subprotocol,
    },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  request.on("upgrade", (_response, socket) => {
    socket.destroy();
    answer.resolve({ status: 101, detail: {} });
  });
  request.on("response", (response) => {
    readDetail(response).then(
      (detail) => answer.resolve({ status: response.statusCode ?? 0, detail }),
      (thrown: unknown) => answer.reject(unreachableError(url, thrown)),
    );
  });
  request.on("error", (cause) => answer.reject(unreachableError(url, new Error(cause.message, { cause }))));
  request.end();
  return answer.promise;
}

async function readDetail(response: IncomingMessage): Promise<Answer> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > MAX_BODY_CHARS) return {};
  }
  try {
    const value = parseExactJson(text);
    return isAnswer(value) ? objectMember(value, "error") : {};
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return {};
    throw thrown;
  }
}
