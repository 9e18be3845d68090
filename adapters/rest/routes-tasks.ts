import { z } from "zod";
import {
  EVENT_STREAM_HEADERS,
  jsonFromTask,
  type Logger,
  messageFromSaid,
  present,
  saidForm,
  stateShape,
  TASK_STATES,
  type TaskApi,
  taskPageShape,
  taskShape,
  turnFromBody,
} from "../../src/adapter-kit.ts";
import { jsonAnswer } from "./answers.ts";
import { meshErrorFromThrown } from "./errors.ts";
import { eventsFromTask } from "./event-stream.ts";
import { type Incoming, param } from "./incoming.ts";
import { type Operation, operation } from "./operation.ts";
import { countParameter, cursorParameter, type QueryValues, textParameter, wordParameter } from "./query.ts";
import { inJson } from "./shapes.ts";

const MAX_SEQUENCE = 1_000_000;
const TASK = { group: "Tasks", params: { id: "the task's id" } } as const;

const createForm = {
  schema: z.strictObject({
    to: z.string().min(1).describe("an agent"),
    ...saidForm,
    dedupe_key: z
      .string()
      .min(1)
      .max(256)
      .exactOptional()
      .describe("a repeat within 24 h gives the first task"),
    context_id: z.string().min(1).max(256).exactOptional().describe("what belongs together has one"),
    task_metadata: z.record(z.string(), z.json()).exactOptional().describe("of the task, not of the message"),
    accepted_output_modes: z.array(z.string()).max(100).exactOptional().describe("media types"),
    inbox: z.boolean().exactOptional().describe("false: nothing of it comes into your inbox"),
  }),
  expects: '{"to": "<agent id>", "payload": <text or JSON>, "dedupe_key"?, "context_id"?}',
  example: { to: "bob", payload: "translate: good morning" },
};

export const turnForm = {
  schema: z.strictObject({
    ...saidForm,
    status: stateShape.exactOptional().describe("as its worker: how the task stands now; absent = working"),
    dedupe_key: z.string().min(1).max(256).exactOptional().describe("a repeat within 24 h changes nothing"),
    artifact: z
      .strictObject({
        artifact_id: z.string().min(1).max(256).exactOptional(),
        name: z.string().exactOptional(),
        description: z.string().exactOptional(),
        append: z.boolean().exactOptional().describe("behind the parts that it has"),
        last_chunk: z.boolean().exactOptional(),
      })
      .exactOptional()
      .describe("as its worker: what is said is a result, or a piece of one"),
  }),
  expects:
    '{"payload": <text or JSON>, "status"?: "working" | "input_required" | "completed" | "failed" | "rejected"}',
  example: { payload: "guten Morgen", status: "completed" as const },
};

const cancelForm = {
  schema: z.strictObject({ metadata: z.record(z.string(), z.json()).exactOptional() }),
  expects: '{"metadata"?: {…}}',
  mayBeEmpty: true,
};

const listQuery = {
  context_id: textParameter("only those of the context"),
  status: wordParameter("only those in the state", TASK_STATES.slice(1)),
  peer: textParameter("only those with that agent on the other side"),
  include_artifacts: wordParameter("whether artifacts come with the tasks", ["true", "false"]),
  history_length: countParameter("messages of the history at most, the latest", 0, 10_000),
  limit: countParameter("tasks of one page at most", 1, 100),
  cursor: cursorParameter,
};

const followQuery = {
  after: countParameter("the sequence of the last event that you have", 0, MAX_SEQUENCE),
  last_event_id: countParameter("as the header, for clients that cannot set it", 0, MAX_SEQUENCE),
  ticket: textParameter("of POST /tickets, where no header can be set"),
};

export interface TaskDeps {
  readonly tasks: TaskApi;
  readonly logger: Logger;
}

/** Work with a life cycle. */
export function taskOperations(deps: TaskDeps): readonly Operation[] {
  return [...givingRows(deps.tasks), oneTaskRow(deps.tasks), ...turnRows(deps.tasks), followRow(deps)];
}

function givingRows(tasks: TaskApi): readonly Operation[] {
  return [
    operation({
      method: "POST",
      path: "/tasks",
      id: "createTask",
      group: "Tasks",
      summary: "Give an agent a task",
      description: "It comes into the worker's inbox, now or when the worker is there again.",
      body: createForm,
      answers: {
        201: inJson("the task; durable", taskShape),
        200: inJson("the key was known: the first task as it is now", taskShape),
      },
      refusals: ["not_found", "too_large", "rate_limited", "quota_exceeded", "inbox_full", "storage_full"],
      handle: async ({ call, body }) => {
        const { to, dedupe_key, context_id, task_metadata, accepted_output_modes, inbox, ...said } =
          body.fields;
        const { task, duplicate } = await tasks.create(call, {
          to,
          message: messageFromSaid(said, context_id),
          noInbox: inbox === false,
          ...present({
            dedupeKey: dedupe_key,
            metadata: task_metadata,
            acceptedOutputModes: accepted_output_modes,
            traceparent: call.traceparent,
          }),
        });
        return jsonAnswer(duplicate ? 200 : 201, jsonFromTask(task));
      },
    }),
    operation({
      method: "GET",
      path: "/tasks",
      id: "listTasks",
      group: "Tasks",
      summary: "Tasks that you gave or took",
      description: "Latest change first.",
      query: listQuery,
      answers: { 200: inJson("a page", taskPageShape) },
      handle: async ({ call, query }) => {
        const page = await tasks.list(call, {
          includeArtifacts: query.include_artifacts === "true",
          ...present({
            contextId: query.context_id,
            state: query.status === undefined ? undefined : TASK_STATES.indexOf(query.status),
            peer: query.peer,
            historyLength: query.history_length,
            limit: query.limit,
            cursor: query.cursor,
          }),
        });
        return jsonAnswer(200, {
          tasks: page.tasks.map(jsonFromTask),
          cursor: page.cursor,
          total: page.total,
        });
      },
    }),
  ];
}

function oneTaskRow(tasks: TaskApi): Operation {
  return operation({
    ...TASK,
    method: "GET",
    path: "/tasks/:id",
    id: "getTask",
    summary: "One task",
    query: { history_length: listQuery.history_length },
    answers: { 200: inJson("how it stands, with all that was said", taskShape) },
    refusals: ["not_found"],
    handle: async (incoming) => {
      const view = present({ historyLength: incoming.query.history_length });
      return jsonAnswer(200, jsonFromTask(await tasks.get(incoming.call, param(incoming, "id"), view)));
    },
  });
}

function turnRows(tasks: TaskApi): readonly Operation[] {
  return [
    operation({
      ...TASK,
      method: "POST",
      path: "/tasks/:id/messages",
      id: "addTaskMessage",
      summary: "Say something in a task",
      description:
        "As who gave it: your next turn. As its worker: progress, a question (`input_required`), or the end. What is " +
        "said with `completed` is the result, an artifact of the task.",
      body: turnForm,
      answers: { 200: inJson("the task as it is now", taskShape) },
      refusals: ["not_found", "failed_precondition", "too_large", "storage_full"],
      handle: async (incoming) => {
        const { call, body } = incoming;
        const id = param(incoming, "id");
        const before = await tasks.get(call, id, { historyLength: 0 });
        const turn = turnFromBody(body.fields, call.principal, before);
        const task =
          turn.update === undefined
            ? await tasks.say(call, id, turn.message)
            : await tasks.update(call, id, turn.update);
        return jsonAnswer(200, jsonFromTask(task));
      },
    }),
    operation({
      ...TASK,
      method: "POST",
      path: "/tasks/:id/cancel",
      id: "cancelTask",
      summary: "Cancel a task that you gave",
      body: cancelForm,
      answers: { 200: inJson("the task as it is now", taskShape) },
      refusals: ["not_found", "failed_precondition"],
      handle: async (incoming) => {
        const { metadata } = incoming.body.fields;
        return jsonAnswer(
          200,
          jsonFromTask(await tasks.cancel(incoming.call, param(incoming, "id"), metadata)),
        );
      },
    }),
  ];
}

function followRow(deps: TaskDeps): Operation {
  return operation({
    ...TASK,
    method: "GET",
    path: "/tasks/:id/events",
    insteadOfToken: "ticket",
    id: "followTask",
    summary: "Follow a task as server-sent events",
    description:
      "First the `task` as it is, unless you say which event you have, then an `event` for each; its id is the sequence. " +
      "Ends behind the event that ends the task. An `error` event says why the stream ends before.",
    headers: { "Last-Event-ID": "the id of the last event that you got; goes before the query" },
    query: followQuery,
    answers: {
      200: { description: "events, until the task ends", content: { "text/event-stream": z.string() } },
    },
    refusals: ["not_found", "gap"],
    handle: (incoming) => follow(deps, incoming, incoming.query),
  });
}

async function follow(
  { tasks, logger }: TaskDeps,
  incoming: Incoming,
  query: QueryValues<typeof followQuery>,
) {
  const { call, request } = incoming;
  const id = param(incoming, "id");
  // Nobody would ever read from, and so end, what was opened for a HEAD.
  if (request.method === "HEAD") {
    await tasks.get(call, id, { historyLength: 0 });
    return { status: 200, headers: EVENT_STREAM_HEADERS, body: "" };
  }
  const header = request.headers.get("last-event-id") ?? "";
  const given = header === "" ? undefined : followQuery.last_event_id.read(header, "Last-Event-ID");
  const subscription = await tasks.subscribe(call, id, given ?? query.last_event_id ?? query.after);
  const errorFrom = (thrown: unknown) => meshErrorFromThrown(thrown, "GET /tasks/:id/events", logger);
  return { status: 200, headers: EVENT_STREAM_HEADERS, body: eventsFromTask(subscription, { errorFrom }) };
}
