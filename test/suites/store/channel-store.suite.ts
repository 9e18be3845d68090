import { describe, expect, it } from "vitest";
import type { ChannelRecord } from "../../../src/ports/channel-store.ts";
import { NOW_MS, numbered, type StoreFactory, useStores } from "./store-fixture.ts";

/** Behaviour that every ChannelStore has. */
export function channelStoreSuite(factory: StoreFactory): void {
  describe("channel store", () => {
    describe("channels", () => channelTests(factory));
    describe("lists", () => listTests(factory));
    describe("members", () => memberTests(factory));
  });
}

function channelRecord(
  channelId: string,
  changes: Partial<ChannelRecord> = {},
): Omit<ChannelRecord, "memberCount"> {
  return {
    channelId,
    ownerId: "alice",
    description: "",
    isPrivate: false,
    createdUnixMs: NOW_MS,
    ...changes,
  };
}

function channelTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("gives a channel back as it was created, after a restart too", async () => {
    const channel = channelRecord("team", { description: "Büro \u{1f4ac}", isPrivate: true });
    expect(await fixture.stores.channels.create(channel, ["alice", "bob", "alice"])).toBe(true);
    expect(await fixture.stores.channels.find("team")).toEqual({ ...channel, memberCount: 2 });
    await fixture.reopen();
    expect(await fixture.stores.channels.find("team")).toEqual({ ...channel, memberCount: 2 });
    expect(await fixture.stores.channels.find("other")).toBeUndefined();
  });

  it("keeps text whole around what no text can hold", async () => {
    await fixture.stores.channels.create(channelRecord("team", { description: "a\0b\ud800c" }), ["alice"]);
    expect(await fixture.stores.channels.find("team")).toMatchObject({ description: "a\ufffdb\ufffdc" });
  });

  it("gives a name to one of many at once, and changes nothing for the others", async () => {
    const attempts = Array.from({ length: 10 }, (_, index) =>
      fixture.stores.channels.create(channelRecord("team", { ownerId: `o${index}` }), [`o${index}`]),
    );
    const made = await Promise.all(attempts);
    expect(made.filter((isMade) => isMade)).toHaveLength(1);
    const owner = `o${made.indexOf(true)}`;
    expect(await fixture.stores.channels.find("team")).toMatchObject({ ownerId: owner, memberCount: 1 });
    expect(await fixture.stores.channels.members("team", "", 100)).toEqual([owner]);
  });

  it("keeps the name of a deleted channel taken, and still tells who was in it", async () => {
    const { channels } = fixture.stores;
    await channels.create(channelRecord("team"), ["alice", "bob"]);
    await channels.remove("team");
    await channels.remove("unknown");
    expect(await channels.find("team")).toBeUndefined();
    expect(await channels.members("team", "", 10)).toEqual(["alice", "bob"]);
    expect(await channels.list(undefined, "", 10)).toEqual([]);
    expect(await channels.countOwned("alice")).toBe(0);
    expect(await channels.create(channelRecord("team", { ownerId: "bob" }), ["bob"])).toBe(false);
    expect(await channels.find("team")).toBeUndefined();
  });

  it("counts what an agent owns", async () => {
    const { channels } = fixture.stores;
    await channels.create(channelRecord("a"), ["alice"]);
    await channels.create(channelRecord("b"), ["alice"]);
    await channels.create(channelRecord("c", { ownerId: "bob" }), ["bob", "alice"]);
    expect(await channels.countOwned("alice")).toBe(2);
    expect(await channels.countOwned("nobody")).toBe(0);
  });
}

function listTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("shows the public ones and those that the member is in", async () => {
    const { channels } = fixture.stores;
    await channels.create(channelRecord("d-open"), ["alice"]);
    await channels.create(channelRecord("a-hers", { isPrivate: true }), ["alice"]);
    await channels.create(channelRecord("b-shared", { isPrivate: true }), ["alice", "bob"]);
    const ids = async (memberId: string | undefined) =>
      (await channels.list(memberId, "", 10)).map((channel) => channel.channelId);
    expect(await ids("bob")).toEqual(["b-shared", "d-open"]);
    expect(await ids("carol")).toEqual(["d-open"]);
    expect(await ids(undefined)).toEqual(["a-hers", "b-shared", "d-open"]);
  });

  it("pages in order of id", async () => {
    const { channels } = fixture.stores;
    const ids = numbered("c", 7);
    for (const id of ids.toReversed()) await channels.create(channelRecord(id), ["alice", "bob"]);
    const first = await channels.list("bob", "", 5);
    const second = await channels.list("bob", first.at(-1)?.channelId ?? "", 5);
    expect([...first, ...second].map((channel) => channel.channelId)).toEqual(ids);
    expect(second[0]).toMatchObject({ memberCount: 2 });
  });
}

function memberTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("adds and removes, and skips what is so already", async () => {
    const { channels } = fixture.stores;
    await channels.create(channelRecord("team"), ["alice"]);
    await channels.changeMembers("team", ["bob", "carol", "bob", "alice"], []);
    expect(await channels.members("team", "", 10)).toEqual(["alice", "bob", "carol"]);
    await channels.changeMembers("team", ["dave"], ["bob", "bob", "nobody"]);
    expect(await channels.members("team", "", 10)).toEqual(["alice", "carol", "dave"]);
    expect(await channels.find("team")).toMatchObject({ memberCount: 3 });
    await channels.changeMembers("team", [], []);
    expect(await channels.find("team")).toMatchObject({ memberCount: 3 });
  });

  it("holds thousands and pages through them", async () => {
    const { channels } = fixture.stores;
    const members = numbered("m", 2500);
    await channels.create(channelRecord("team"), members.slice(0, 1200));
    await channels.changeMembers("team", members.slice(1000), members.slice(0, 500));
    expect(await channels.find("team")).toMatchObject({ memberCount: 2000 });
    const first = await channels.members("team", "", 1500);
    const second = await channels.members("team", first.at(-1) ?? "", 1500);
    expect([...first, ...second]).toEqual(members.slice(500));
  });

  it("counts right when many change at once", async () => {
    const { channels } = fixture.stores;
    await channels.create(channelRecord("team"), ["alice"]);
    const members = numbered("m", 30);
    await Promise.all(members.map((member) => channels.changeMembers("team", [member, "shared"], [])));
    await Promise.all(
      members.slice(10).map((member) => channels.changeMembers("team", [], [member, "shared"])),
    );
    expect(await channels.members("team", "", 100)).toEqual(["alice", ...members.slice(0, 10)]);
    expect(await channels.find("team")).toMatchObject({ memberCount: 11 });
  });

  it("gives no new members to a channel that is not there", async () => {
    const { channels } = fixture.stores;
    await channels.create(channelRecord("gone"), ["alice"]);
    await channels.remove("gone");
    await expect(channels.changeMembers("gone", ["bob"], [])).rejects.toMatchObject({ code: "not_found" });
    expect(await channels.members("gone", "", 10)).toEqual(["alice"]);
  });
}
