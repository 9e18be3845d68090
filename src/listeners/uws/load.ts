import { createRequire } from "node:module";
import type { UwsModule } from "./uws.d.ts";

/** Newest first. `uws-current` needs glibc 2.38; `uws-compat` runs on older systems. Both are for Node 22. */
const PACKAGES = ["uws-current", "uws-compat"];

/** The largest request header block that uWebSockets.js takes; its own default is 4 KiB. */
export const MAX_HEADERS_BYTES = 16 * 1024;

let loaded: UwsModule | undefined;

/**
 * The native server library, loaded at the first call. Throws when no build of it runs on this system.
 * Call it on the main thread: the header limit travels in the environment, and a worker only has a copy of that.
 */
export function loadUws(): UwsModule {
  loaded ??= loadFirst(createRequire(import.meta.url));
  return loaded;
}

function loadFirst(load: (name: string) => unknown): UwsModule {
  allowLargeHeaders();
  const failures: string[] = [];
  for (const name of PACKAGES) {
    try {
      const found = load(name);
      if (isUwsModule(found)) return found;
      failures.push(`${name}: it is not uWebSockets.js`);
    } catch (error) {
      failures.push(`${name}: ${reasonOf(error)}`);
    }
  }
  throw new Error(
    `it does not load on ${process.platform}-${process.arch}, Node ${process.versions.node} ` +
      `(${failures.join("; ")}); it runs on 64-bit Intel Linux with glibc under Node 22`,
  );
}

/** The library reads its limit from the environment, once, while it loads. */
function allowLargeHeaders(): void {
  process.env["UWS_HTTP_MAX_HEADERS_SIZE"] ??= String(MAX_HEADERS_BYTES);
}

function isUwsModule(value: unknown): value is UwsModule {
  return typeof value === "object" && value !== null && "App" in value && "us_listen_socket_close" in value;
}

/** The loader's first line says it all; below it stands a list of the folders that it searched. */
function reasonOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n", 1)[0] ?? "";
}
