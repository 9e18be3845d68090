import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestHub } from "../../support/hub.ts";
import { CALLERS, expectedOutcome, type Outcome } from "./expected.ts";
import { REST_CALLS, type RestRequest } from "./rest-calls.ts";
import { type BadBearers, badBearers, JWT_SECRET, SECRET, Stage } from "./stage.ts";
import { REST, type Rule } from "./table.ts";

let hub: TestHub;
let bad: BadBearers;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_JWT_SECRET: JWT_SECRET } });
  bad = await badBearers(hub);
});
afterAll(() => hub?.[Symbol.asyncDispose]());

const STATUS: Readonly<Record<Exclude<Outcome, "ok">, number>> = {
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  unimplemented: 501,
  invalid_argument: 400,
};

interface Answer {
  readonly outcome: string;
  readonly text: string;
}

async function call(
  method: string,
  { path, body }: RestRequest,
  bearer: string | undefined,
): Promise<Answer> {
  const response = await fetch(hub.http + path, {
    method,
    headers: {
      accept: "application/json",
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await textOf(response);
  if (response.ok) return { outcome: "ok", text };
  const { code } = JSON.parse(text).error;
  const isRightStatus = Object.entries(STATUS).some(
    ([name, status]) => name === code && status === response.status,
  );
  return { outcome: isRightStatus ? code : `${response.status} ${code}`, text };
}

/** Of a stream without an end: what comes first. */
async function textOf(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== "text/event-stream") return response.text();
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return Buffer.from(first?.value ?? []).toString();
}

function rowOf(name: string): { method: string; rule: Rule; build: (typeof REST_CALLS)[string] } {
  const [method = ""] = name.split(" ");
  const [rule, build] = [REST[name], REST_CALLS[name]];
  if (rule === undefined || build === undefined) throw new Error(`${name} has no row`);
  return { method, rule, build };
}

test("the table has every route that the hub tells of, and no other", async () => {
  const { paths } = Object((await hub.call("GET", "/openapi.json")).json);
  const routes = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(Object.keys(REST).toSorted()).toEqual(routes.toSorted());
  expect(Object.keys(REST_CALLS).toSorted()).toEqual(routes.toSorted());
});

describe("a call over REST", () => {
  test.each(Object.keys(REST))("%s is for those whom the table says", async (name) => {
    const { method, rule, build } = rowOf(name);
    const stage = await Stage.open(hub, bad);
    const request = await build(stage);
    const before = await stage.state();
    const refused = CALLERS.filter((caller) => expectedOutcome(rule, caller) !== "ok");
    for (const caller of refused) {
      for (const bearer of stage.bearersOf(caller)) {
        const { outcome, text } = await call(method, request, bearer);
        expect([caller, outcome]).toEqual([caller, expectedOutcome(rule, caller)]);
        expect(text, `${caller} is told`).not.toContain(SECRET);
      }
    }
    expect(await stage.state(), "what was refused changed something").toEqual(before);
    for (const caller of CALLERS.filter((each) => !refused.includes(each))) {
      // What one of them ends, the next one needs.
      const own = rule.others === undefined ? stage : await Stage.open(hub, bad);
      for (const bearer of own.bearersOf(caller)) {
        const { outcome, text } = await call(method, await build(own), bearer);
        expect([caller, outcome, outcome === "ok" ? "" : text]).toEqual([caller, "ok", ""]);
        if (caller === "other") expect(text, "another agent is told").not.toContain(SECRET);
      }
    }
  });

  test("shows its token in the header, nowhere else", async () => {
    const stage = await Stage.open(hub, bad);
    for (const name of Object.keys(REST).filter((each) => REST[each]?.who !== "open")) {
      const { method, rule, build } = rowOf(name);
      const { path, body } = await build(stage);
      for (const place of ["token", "access_token", "api_key", "authorization", "bearer"]) {
        const query = `${path.includes("?") ? "&" : "?"}${place}=${stage.owner.apiKey}`;
        const { outcome } = await call(method, { path: path + query, body }, undefined);
        expect([name, place, outcome]).toEqual([name, place, expectedOutcome(rule, "none")]);
      }
    }
  });
});
