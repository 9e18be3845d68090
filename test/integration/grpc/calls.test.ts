import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ErrorCode } from "../../../src/gen/meshkore/v1/errors_pb.js";
import { until } from "../../support/until.ts";
import {
  ATTACH,
  clientOf,
  detailOf,
  metadata,
  openRpcFixture,
  type RpcFixture,
  same,
  sendOver,
} from "./rpc-fixture.ts";

let fixture: RpcFixture;
let client: ReturnType<typeof clientOf>;

beforeEach(async () => {
  fixture = await openRpcFixture();
  client = clientOf(fixture.address);
});
afterEach(async () => {
  client.close();
  await fixture[Symbol.asyncDispose]();
});

describe("a unary call", () => {
  test("is answered; its headers and address are known", async () => {
    const headers = metadata({ authorization: "Bearer x", "X-Any": "1" });
    headers.add("x-any", "2");
    headers.set("raw-bin", Buffer.from([1, 2]));
    expect(await sendOver(client, { metadata: headers })).toBe("sent");
    const [context] = fixture.relay.contexts;
    expect(context?.remoteAddress).toBe("127.0.0.1");
    expect(context?.headers.get("authorization")).toBe("Bearer x");
    expect(context?.headers.get("x-any")).toBe("1, 2");
    expect(context?.headers.get("raw-bin")).toBe("AQI");
  });

  test("that is refused says all that helps", async () => {
    const error = await sendOver(client, { to: "ü\u{1f600}" });
    if (error === "sent") throw new Error("not refused");
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(error.details).toBe("no 100% ü\u{1f600}\n");
    expect(error.metadata.get("retry-after")).toEqual(["7"]);
    expect(detailOf(error)).toMatchObject({ code: ErrorCode.RATE_LIMITED, hint: "slower", retryAfterS: 7 });
    expect(fixture.errors).toEqual([]);
  });

  test("that fails against the contract is reported, and keeps its secret", async () => {
    const error = await sendOver(client, { to: "broken" });
    if (error === "sent") throw new Error("not refused");
    expect(error.code).toBe(status.INTERNAL);
    expect(JSON.stringify(error)).not.toContain("secret");
    expect(fixture.errors).toMatchObject([{ message: "the secret reason" }]);
  });

  test("of bytes that are no message is malformed", async () => {
    const error = await sendOver(client, { bytes: Buffer.from([0xff, 0xff, 0xff]) });
    if (error === "sent") throw new Error("not refused");
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(detailOf(error).code).toBe(ErrorCode.MALFORMED);
    expect(fixture.errors).toEqual([]);
  });

  test("that is too large is refused, also when it is small before it is unpacked", async () => {
    const bytes = Buffer.alloc(100_001);
    expect(await sendOver(client, { bytes })).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    const zipping = clientOf(fixture.address, { "grpc.default_compression_algorithm": 2 });
    expect(await sendOver(zipping)).toBe("sent");
    expect(await sendOver(zipping, { bytes })).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    zipping.close();
    expect(await sendOver(client)).toBe("sent");
  });

  test("ends with its deadline, and the handler hears of it", async () => {
    const deadline = new Date(Date.now() + 300);
    const error = await sendOver(client, { to: "wait", deadline });
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await until("the end", () => fixture.relay.contexts[0]?.signal.aborted && fixture.relay.waiting === 0);
  });

  test("that the client takes back aborts the handler", async () => {
    const call = client.makeUnaryRequest(SEND_PATH, same, same, WAIT, () => undefined);
    await until("the call", () => fixture.relay.waiting === 1);
    call.cancel();
    await until("the end", () => fixture.relay.waiting === 0);
  });

  test("of what is not there is unimplemented", async () => {
    const error = await new Promise((resolve) =>
      client.makeUnaryRequest("/meshkore.v1.RelayService/Nothing", same, same, Buffer.alloc(0), resolve),
    );
    expect(error).toMatchObject({ code: status.UNIMPLEMENTED });
  });
});

const SEND_PATH = "/meshkore.v1.RelayService/Send";
/** A SendRequest to "wait". */
const WAIT = Buffer.from([0x0a, 4, ...Buffer.from("wait")]);

describe("a stream", () => {
  const attach = (headers: Record<string, string>) =>
    client.makeServerStreamRequest(ATTACH, same, same, Buffer.alloc(0), metadata(headers));

  test("brings everything in order, then its status", async () => {
    const call = attach({ count: "500" });
    const sizes: number[] = [];
    for await (const message of call) sizes.push(message.length);
    expect(sizes).toHaveLength(500);
    expect(fixture.relay).toMatchObject({ handed: 500, returned: 1 });
  });

  test("ends with the error that its handler throws, after what came before", async () => {
    const call = attach({ count: "2", fail: "1" });
    let count = 0;
    call.on("data", () => {
      count += 1;
    });
    const error = await new Promise<Parameters<typeof detailOf>[0] & { code: number }>((resolve) =>
      call.on("error", (thrown) => resolve(thrown as never)),
    );
    expect(count).toBe(2);
    expect(error.code).toBe(status.OUT_OF_RANGE);
    expect(detailOf(error).code).toBe(ErrorCode.GAP);
  });

  test("asks for no more than the client takes, and ends with it", async () => {
    const call = attach({ count: "100000", bytes: "50000" });
    call.on("error", () => undefined);
    // One is read, and the rest waits: at the client, in the window, in one write of the hub.
    await new Promise((resolve) => call.once("data", resolve));
    call.pause();
    const { relay } = fixture;
    let before = -1;
    await until("a halt", () => {
      const isHalted = before === relay.handed;
      before = relay.handed;
      return isHalted;
    });
    expect(relay.handed).toBeLessThan(200);
    expect(relay.returned).toBe(0);
    call.cancel();
    await until("return", () => relay.returned === 1);
  });
});
