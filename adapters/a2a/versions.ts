import { A2aError } from "./a2a-error.ts";

/** What a caller says of the protocol it speaks, beside the request itself. */
export type ProtocolVersion = "1.0" | "0.3";

const SUPPORTED = "0.3, 1.0";
const VERSION = /^(\d{1,3})(?:\.(\d{1,3}))?(?:\.\d{1,6})?$/;

/**
 * The version that a request is meant in: patch numbers do not count, none at all is 0.3.
 * @throws A2aError VERSION_NOT_SUPPORTED
 */
export function versionFrom(headers: ReadonlyMap<string, string>, query = ""): ProtocolVersion {
  const given = headers.get("a2a-version") || new URLSearchParams(query).get("A2A-Version") || "";
  return versionFromText(given);
}

export function versionFromText(given: string): ProtocolVersion {
  const text = given.trim();
  if (text === "") return "0.3";
  const [, major, minor = "0"] = VERSION.exec(text) ?? [];
  const version = `${Number(major)}.${Number(minor)}`;
  if (version === "1.0" || version === "0.3") return version;
  throw new A2aError(
    "VERSION_NOT_SUPPORTED",
    `version ${JSON.stringify(text.slice(0, 40))} is not spoken here`,
    {
      metadata: { supportedVersions: SUPPORTED, requestedVersion: text.slice(0, 40) },
    },
  );
}
