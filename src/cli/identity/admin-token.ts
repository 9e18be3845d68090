import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { usageError } from "../cli-error.ts";
import { hubUrlFromText, isLoopback, isSameHub } from "../hub/hub-url.ts";
import type { Settings } from "./settings.ts";

const DEFAULT_DATA_DIR = "./data";

/**
 * The operator's token, found as the hub finds it: MESHKORE_ADMIN_TOKEN, else the file `admin-token` in the data
 * directory. The file of a data directory that nobody named is the token of this machine's hub, so it goes to no
 * other URL.
 * @throws CliError usage when the file is there and cannot be read
 */
export function findAdminToken(settings: Settings, hubUrl: string): string | undefined {
  const given = settings["MESHKORE_ADMIN_TOKEN"];
  if (given !== undefined && given !== "") return given;
  const dataDir = settings["MESHKORE_DATA_DIR"];
  if (dataDir === undefined && !isOwnHub(settings, hubUrl)) return undefined;
  const path = adminTokenPath(settings);
  if (!existsSync(path)) return undefined;
  try {
    const token = readFileSync(path, "utf8").trim();
    return token === "" ? undefined : token;
  } catch (cause) {
    throw usageError(
      `cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      "run this as the user that runs the hub, or set MESHKORE_ADMIN_TOKEN",
    );
  }
}

export function adminTokenPath(settings: Settings): string {
  return join(settings["MESHKORE_DATA_DIR"] ?? DEFAULT_DATA_DIR, "admin-token");
}

/** Where the hub of these settings listens, as seen from this machine. */
export function ownHubUrl(settings: Settings): string {
  const publicUrl = settings["MESHKORE_PUBLIC_URL"];
  const host = settings["MESHKORE_HOST"];
  const port = settings["MESHKORE_HTTP_PORT"];
  if (host === undefined && port === undefined && publicUrl !== undefined) return hubUrlFromText(publicUrl);
  const scheme = (settings["MESHKORE_TLS_CERT"] ?? "") === "" ? "http" : "https";
  const isAny = host === undefined || host === "0.0.0.0" || host === "::";
  const name = isAny ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  return hubUrlFromText(`${scheme}://${name}:${port ?? "7400"}`);
}

function isOwnHub(settings: Settings, hubUrl: string): boolean {
  const publicUrl = settings["MESHKORE_PUBLIC_URL"];
  if (publicUrl !== undefined && URL.canParse(publicUrl) && isSameHub(hubUrlFromText(publicUrl), hubUrl))
    return true;
  return isLoopback(hubUrl) || isSameHub(ownHubUrl(settings), hubUrl);
}
