import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStage, type Stage } from "./stage.ts";
import { errorOf, resultOf, wiresTo } from "./wires.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});

afterAll(async () => {
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

/** No name of DNS has a label of more than 63 characters: there is nobody who could know an address of it. */
const UNKNOWN_HOST = `${"a".repeat(64)}.test`;
const INVALID_ARGUMENT = { JSONRPC: -32602, "HTTP+JSON": 400, GRPC: 3 } as const;

const by = (token?: string) => ({ agent: "bob", token });
const message = (more: object = {}) => ({
  message: { messageId: randomUUID(), role: "ROLE_USER", parts: [{ text: "x" }] },
  configuration: { returnImmediately: true, ...more },
});

const WRONG: readonly (readonly [string, object, string, RegExp])[] = [
  ["a host that has no address", { url: `https://${UNKNOWN_HOST}/hook` }, "url", /has no address/],
  ["an address that is not public", { url: "http://10.0.0.1/" }, "url", /not public/],
  ["a name of such an address", { url: "http://localhost:9/" }, "url", /not public/],
  ["no URL", { url: "hook" }, "url", /http or https/],
  ["another scheme", { url: "file:///etc/passwd" }, "url", /http or https/],
  ["a password in the URL", { url: "http://a:b@192.0.2.1/" }, "url", /password/],
  ["an endless URL", { url: `http://192.0.2.1/${"a".repeat(3000)}` }, "url", /not usable/],
  ["an endless id", { url: "http://8.8.8.8/", id: "i".repeat(200) }, "id", /not usable/],
  ["a token of two lines", { url: "http://8.8.8.8/", token: "a\r\nb: c" }, "token", /not usable/],
  [
    "credentials of two lines",
    { url: "http://8.8.8.8/", authentication: { scheme: "Bearer", credentials: "a\nb" } },
    "authentication.credentials",
    /not usable/,
  ],
  [
    "a scheme that is none",
    { url: "http://8.8.8.8/", authentication: { scheme: "Bearer x" } },
    "authentication.scheme",
    /not usable/,
  ],
];

describe.each(wiresTo(() => stage.hub))("a push notification config over $binding", ({ binding, call }) => {
  it.each(WRONG)("with %s is the caller's error, and gives no task", async (_name, config, field, told) => {
    const { alice } = stage;
    const task = Object(resultOf(await call("SendMessage", message(), by(alice.token))))["task"];
    const set = errorOf(
      await call("CreateTaskPushNotificationConfig", { taskId: task.id, ...config }, by(alice.token)),
    );
    expect(set).toMatchObject({ code: INVALID_ARGUMENT[binding], reason: "INVALID_PARAMS", fields: [field] });
    expect(set.message).toMatch(told);
    expect(set.metadata["hint"]).toBeTypeOf("string");

    const contextId = randomUUID();
    const request = message({ taskPushNotificationConfig: config });
    const sent = errorOf(
      await call("SendMessage", { ...request, message: { ...request.message, contextId } }, by(alice.token)),
    );
    expect(sent).toMatchObject({
      code: INVALID_ARGUMENT[binding],
      fields: [`configuration.taskPushNotificationConfig.${field}`],
    });
    expect(sent.metadata["hint"]).toBe(set.metadata["hint"]);
    const listed = resultOf(await call("ListTasks", { contextId }, by(alice.token)));
    expect(listed).toMatchObject({ tasks: [] });
  });

  it("leads nowhere for who may not give the task: nothing is looked up", async () => {
    for (const url of [`https://${UNKNOWN_HOST}/hook`, "http://localhost:9/"]) {
      const refused = errorOf(
        await call("SendMessage", message({ taskPushNotificationConfig: { url } }), by()),
      );
      expect(refused.reason).toBe("UNAUTHENTICATED");
    }
  });

  it("is taken, replaced, listed, and bounded by ten for one task, also with a message", async () => {
    const { alice } = stage;
    const task = Object(resultOf(await call("SendMessage", message(), by(alice.token))))["task"];
    const create = (id: string) =>
      call(
        "CreateTaskPushNotificationConfig",
        { taskId: task.id, id, url: "http://8.8.8.8/" },
        by(alice.token),
      );
    for (let n = 0; n < 10; n++) expect(resultOf(await create(`c${n}`))).toMatchObject({ id: `c${n}` });
    expect(resultOf(await create("c0"))).toMatchObject({ id: "c0" });
    expect(errorOf(await create("one-more")).reason).toBe("UNSUPPORTED_OPERATION");
    const turn = message({ taskPushNotificationConfig: { id: "one-more", url: "http://8.8.8.8/" } });
    const said = await call(
      "SendMessage",
      { ...turn, message: { ...turn.message, taskId: task.id } },
      by(alice.token),
    );
    expect(errorOf(said).reason).toBe("UNSUPPORTED_OPERATION");
  });
});
