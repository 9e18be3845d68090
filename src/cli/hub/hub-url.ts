import { usageError } from "../cli-error.ts";

export const DEFAULT_HUB_URL = "http://127.0.0.1:7400";
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Reads the URL of a hub; the result has no slash at its end, no query and no fragment.
 * @throws CliError usage
 */
export function hubUrlFromText(text: string): string {
  const url = readHttpUrl(text);
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** Reads what `join` takes: a bare nonce, or an invite URL, which also says where the hub is. */
export function inviteFromText(text: string): {
  readonly hubUrl: string | undefined;
  readonly nonce: string;
} {
  if (!text.includes("/")) return { hubUrl: undefined, nonce: text };
  const url = readHttpUrl(text);
  const match = /^(.*)\/join\/([^/]+)\/?$/.exec(url.pathname);
  if (match === null) {
    throw usageError(`not an invite URL: ${text}`, "an invite URL ends with /join/ and a nonce");
  }
  return { hubUrl: hubUrlFromText(url.origin + (match[1] ?? "")), nonce: decodeURIComponent(match[2] ?? "") };
}

/** Whether both name the same hub; the names of this machine are one. */
export function isSameHub(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

/** Whether the hub can only be on this machine. */
export function isLoopback(hubUrl: string): boolean {
  return URL.canParse(hubUrl) && LOOPBACK.test(new URL(hubUrl).hostname);
}

function canonical(hubUrl: string): string {
  if (!isLoopback(hubUrl)) return hubUrl;
  const url = new URL(hubUrl);
  url.hostname = "localhost";
  return url.href;
}

function readHttpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw usageError(`not the URL of a hub: ${text}`, `write it like ${DEFAULT_HUB_URL}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw usageError("a hub's URL holds no user name or password", "the API key comes from 'meshkore join'");
  }
  return url;
}
