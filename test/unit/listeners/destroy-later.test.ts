import type { ServerHttp2Session } from "node:http2";
import { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { destroyLater } from "../../../src/listeners/h2/destroy-later.ts";

/** A session that never gets to close its connection. */
function stuckSession() {
  const destroyed = vi.fn();
  const session = { destroy: destroyed } as unknown as ServerHttp2Session;
  const connection = new Duplex({ read: () => undefined, write: () => undefined });
  destroyLater(session, connection);
  return { session, connection, destroyed };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a session that is destroyed", () => {
  it("is so at the end of the turn, once", async () => {
    const { session, destroyed } = stuckSession();
    session.destroy();
    session.destroy();
    expect(destroyed).not.toHaveBeenCalled();
    await vi.advanceTimersToNextTimerAsync();
    expect(destroyed).toHaveBeenCalledTimes(1);
  });

  it("takes its connection with it when that does not close", async () => {
    const { session, connection } = stuckSession();
    session.destroy();
    await vi.advanceTimersByTimeAsync(1000);
    expect(connection.destroyed).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(connection.destroyed).toBe(true);
  });

  it.each(["before", "after"])("holds nothing up when its connection closes %s", async (when) => {
    const { session, connection } = stuckSession();
    const closed = new Promise((resolve) => connection.once("close", resolve));
    if (when === "before") connection.once("close", () => session.destroy());
    else session.destroy();
    connection.destroy();
    await closed;
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
