import { describe, expect, it } from "vitest";
import { checkRound, type RoundEvidence } from "../../soak/check.ts";
import { InboxWatch } from "../../soak/inbox-watch.ts";
import { Ledger, type SentMessage, type Stored } from "../../soak/ledger.ts";

type Evidence = RoundEvidence & {
  readonly bob: Stored[];
  readonly carol: Stored[];
  readonly watch: InboxWatch;
};

const at = (offset: number) => ({ epoch: 1, offset });
const handed = (id: string, offset: number) => ({
  ...at(offset),
  id,
  from: "",
  to: "",
  kind: "",
  payload: "",
});

function send(ledger: Ledger, turn: number, to: string): SentMessage {
  return ledger.start({ content: `1.7.${turn}`, writer: 7, turn, to, key: undefined, connection: 1 });
}

/** A round in which all went well: four messages to bob, two of them by a channel that carol is in too. */
function goodRound(): Evidence {
  const ledger = new Ledger();
  ledger.acknowledge(send(ledger, 1, "bob"), "one", at(1));
  send(ledger, 2, "bob");
  ledger.acknowledge(send(ledger, 3, "#team"), "three", at(1));
  ledger.acknowledge(send(ledger, 4, "#team"), "four", at(2));
  const bob = [
    { id: "one", content: "1.7.1", to: "bob" },
    { id: "three", content: "1.7.3", to: "#team" },
    { id: "two", content: "1.7.2", to: "bob" },
    { id: "four", content: "1.7.4", to: "#team" },
  ];
  const carol = [
    { id: "three", content: "1.7.3", to: "#team" },
    { id: "three", content: "1.7.3", to: "#team" },
    { id: "four", content: "1.7.4", to: "#team" },
  ];
  const watch = new InboxWatch("bob");
  watch.begin(at(0), "committed");
  watch.take(["one", "three", "two", "four"].map((id, index) => handed(id, index + 1)));
  const inboxes = new Map([
    ["bob", { after: 0, stored: bob }],
    ["carol", { after: 0, stored: carol }],
  ]);
  const members = new Map([["#team", ["bob", "carol"]]]);
  return { ledger, watches: [watch], inboxes, members, followed: new Set(["bob"]), bob, carol, watch };
}

function found(tamper: (evidence: Evidence) => void): string {
  const evidence = goodRound();
  tamper(evidence);
  const { lost, violations } = checkRound(evidence);
  return [...lost.map((text) => `LOST ${text}`), ...violations].join("\n");
}

describe("the soak's check", () => {
  it("has nothing to say of a round in which all went well", () => {
    expect(checkRound(goodRound())).toEqual({ lost: [], violations: [] });
  });

  const cases: readonly [string, (evidence: Evidence) => void, RegExp][] = [
    ["a lost message", ({ bob }) => bob.splice(0, 1), /LOST 1\.7\.1/],
    ["another message at its position", ({ bob }) => bob.reverse(), /LOST 1\.7\.1/],
    ["a message that a member did not get", ({ carol }) => carol.pop(), /LOST 1\.7\.4 .* carol/],
    ["a content under two ids", ({ bob }) => bob.push({ id: "x", content: "1.7.1", to: "bob" }), /two ids/],
    ["an id stored twice", ({ bob }) => bob.push({ id: "one", content: "1.7.1", to: "bob" }), /stored twice/],
    ["a channel out of order", ({ carol }) => carol.reverse(), /out of order|otherwise than/],
    ["a writer out of order", ({ bob }) => bob.splice(0, 3, ...bob.slice(0, 3).reverse()), /after turn 2/],
    [
      "a message that was refused and is there",
      ({ ledger }) => ledger.sent[1] && ledger.refuse(ledger.sent[1], "503 unavailable"),
      /was refused and is/,
    ],
    [
      "a refusal without a reason",
      ({ ledger }) => ledger.refuse(send(ledger, 5, "bob"), "500 internal"),
      /500 internal/,
    ],
    [
      "an answer with two ids",
      ({ ledger }) => ledger.sent[0] && ledger.acknowledge(ledger.sent[0], "x", at(9)),
      /one and x/,
    ],
    [
      "a position handed over twice in a row",
      ({ watch }) => watch.take([handed("four", 4)]),
      /where 5 was due/,
    ],
    [
      "another id at a position that was handed over",
      ({ watch }) => {
        watch.begin(at(0), "committed");
        watch.take([handed("x", 1)]);
      },
      /is now x/,
    ],
    ["a reader that was not handed the last one", ({ watch }) => watch.ids.pop(), /handed 3 of 4/],
    [
      "a committed position that went back",
      ({ watch }) => {
        watch.asked(3);
        watch.confirmed(3);
        watch.begin(at(2), "committed");
      },
      /went back from 3 to 2/,
    ],
    [
      "a hole before a message of the same connection",
      ({ ledger, bob }) => {
        send(ledger, 5, "bob");
        send(ledger, 6, "bob");
        bob.push({ id: "six", content: "1.7.6", to: "bob" });
      },
      /1\.7\.6 .* without 1\.7\.5/,
    ],
    [
      "a committed position that nobody asked for",
      ({ watch }) => watch.begin(at(2), "committed"),
      /only 0 was acknowledged/,
    ],
  ];
  it.each(cases)("finds %s", (_, tamper, expected) => {
    expect(found(tamper)).toMatch(expected);
  });
});
