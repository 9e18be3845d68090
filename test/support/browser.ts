import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/** Why tests in a browser cannot run here; undefined = they can. */
export const NO_BROWSER = existsSync(CHROMIUM) ? undefined : `there is no ${CHROMIUM}: install chromium`;

/** These names lead to this machine, so that a page can come from an origin that is not localhost. */
export const PAGE_HOSTS = ["app.example", "evil.example"] as const;

/** Headless Chromium with a profile of its own, which talks to nobody by itself. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=${PAGE_HOSTS.map((host) => `MAP ${host} 127.0.0.1`).join(",")}`,
    ],
  });
}

const TYPES: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript" };

export interface PageServer extends AsyncDisposable {
  readonly port: number;
}

/** Serves the files of a folder, on a port and so an origin of its own. */
export async function servePages(folder: string): Promise<PageServer> {
  const server = createServer((request, response) => {
    const name = /^\/([\w.-]+)$/.exec(request.url ?? "")?.[1] ?? "index.html";
    readFile(join(folder, name)).then(
      (bytes) => {
        response.setHeader("content-type", TYPES[name.split(".").at(-1) ?? ""] ?? "text/plain");
        response.end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
