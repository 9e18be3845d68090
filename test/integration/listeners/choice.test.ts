import { describe, expect, it } from "vitest";
import { startHub, type TestHub, withHub } from "../../support/hub.ts";

const noUws = new URL("../../support/no-uws.mjs", import.meta.url);
const env = { MESHKORE_LOG_LEVEL: "info", MESHKORE_LISTENER: "auto" };
const withoutUws = { ...env, NODE_OPTIONS: `--import=${noUws.href}` };

/** Only one of the two names itself in its answers. */
async function serverOf(hub: TestHub): Promise<string> {
  const { headers } = await hub.call("GET", "/healthz");
  return headers.has("uwebsockets") ? "uws" : "node";
}

async function canSend(hub: TestHub): Promise<boolean> {
  const [alice, bob] = [await hub.join("alice"), await hub.join("bob")];
  await alice.post("/send", { to: "bob", payload: "hello" });
  return (await bob.get("/messages?wait=5")).messages().some(({ payload }) => payload === "hello");
}

describe("MESHKORE_LISTENER", () => {
  it.runIf(process.platform === "linux" && process.arch === "x64")(
    "takes uWebSockets.js where it loads",
    async () => {
      await withHub({ env }, async (hub) => {
        expect(await serverOf(hub)).toBe("uws");
        expect(hub.log()).not.toContain("listener.chosen");
      });
    },
  );

  it("takes Node's own where uWebSockets.js does not load, and says so once", async () => {
    await withHub({ env: withoutUws }, async (hub) => {
      expect(await serverOf(hub)).toBe("node");
      const lines = hub
        .log()
        .split("\n")
        .filter((line) => line.includes("listener.chosen"));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain("no build of uws-current for this system");
      expect(await canSend(hub)).toBe(true);
    });
  });

  it("node takes Node's own anywhere", async () => {
    await withHub({ env: { ...env, MESHKORE_LISTENER: "node" } }, async (hub) => {
      expect(await serverOf(hub)).toBe("node");
      expect(await canSend(hub)).toBe(true);
    });
  });

  it("uws ends with a hint where it does not load", async () => {
    const start = startHub({ env: { ...withoutUws, MESHKORE_LISTENER: "uws" } });
    await expect(start).rejects.toThrow(
      /ended with 1.*no build of uws-current.*hint: set MESHKORE_LISTENER/s,
    );
  });

  it("uws ends with a hint where PROXY headers are expected", async () => {
    const start = startHub({ env: { MESHKORE_LISTENER: "uws", MESHKORE_PROXY_PROTOCOL: "http" } });
    await expect(start).rejects.toThrow(/ended with 1.*PROXY header.*hint: set MESHKORE_LISTENER/s);
  });
});
