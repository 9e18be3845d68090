import { get } from "node:http";
import { describe, expect, it } from "vitest";
import { startHub, withHub } from "../../support/hub.ts";

describe("MESHKORE_TRUSTED_PROXIES", () => {
  const attempt = (address: string) => ({ headers: { "x-forwarded-for": address }, body: { agent_id: "a" } });
  const env = { MESHKORE_ATTEMPTS_PER_MINUTE: "2" };

  it("lets the limit on wrong nonces see clients, not the proxy that they share", async () => {
    await withHub({ env: { ...env, MESHKORE_TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8" } }, async (hub) => {
      const statuses = async (address: string, times: number) => {
        const all: number[] = [];
        for (let at = 0; at < times; at++)
          all.push((await hub.call("POST", "/join/wrong", attempt(address))).status);
        return all;
      };
      expect(await statuses("192.0.2.1", 4)).toEqual([404, 404, 429, 429]);
      expect(await statuses("192.0.2.2", 1)).toEqual([404]);
      expect(await statuses("192.0.2.2, 192.0.2.1, 10.1.1.1", 1)).toEqual([429]);
    });
  });

  it("is empty by default: a client cannot get around the limit by a header", async () => {
    await withHub({ env }, async (hub) => {
      const statuses: number[] = [];
      for (let at = 0; at < 4; at++) {
        statuses.push((await hub.call("POST", "/join/wrong", attempt(`192.0.2.${at}`))).status);
      }
      expect(statuses).toEqual([404, 404, 429, 429]);
    });
  });

  it("refuses to start with an entry that is no address, and names it", async () => {
    const start = startHub({ env: { MESHKORE_TRUSTED_PROXIES: "10.0.0.1,10.0.0.0/40" } });
    await expect(start).rejects.toThrow(/ended with 2.*MESHKORE_TRUSTED_PROXIES: "10\.0\.0\.0\/40"/s);
  });
});

describe("the Host header", () => {
  it("of a foreign public name is refused by a hub on loopback, unless the hub goes by that name", async () => {
    await withHub({ env: { MESHKORE_PUBLIC_URL: "https://hub.example/" } }, async (hub) => {
      const status = (host: string) =>
        new Promise((resolve, reject) => {
          const request = get(`${hub.http}/healthz`, { headers: { host } }, (response) => {
            response.resume();
            resolve(response.statusCode);
          });
          request.on("error", reject);
        });
      expect(await status("evil.example")).toBe(421);
      expect(await status("hub.example")).toBe(200);
      expect(await status("127.0.0.1:7400")).toBe(200);
    });
  });
});
