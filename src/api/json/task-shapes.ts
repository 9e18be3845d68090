import { z } from "zod";
import { TASK_STATES } from "../../model/task.ts";
import { cursor, time } from "./shapes.ts";

const anyJson = z.unknown();
const metadata = z.record(z.string(), anyJson);
const [, ...states] = TASK_STATES;
export const stateShape = z.enum(states);

const partShape = z
  .object({
    text: z.string().optional(),
    raw: z.string().optional().describe("bytes in base64"),
    url: z.string().optional(),
    data: anyJson.optional(),
    filename: z.string().optional(),
    media_type: z.string().optional(),
    metadata: metadata.optional(),
  })
  .meta({ id: "Part" })
  .describe("one of text, raw, url and data");

const said = {
  payload: anyJson.optional().describe("short form of the parts: one text is the text, one data its JSON"),
  parts: z.array(partShape).optional(),
};
const ofMessages = {
  metadata: metadata.optional(),
  extensions: z.array(z.string()).optional(),
};

const taskMessageShape = z
  .object({
    message_id: z.string(),
    role: z.enum(["user", "agent"]),
    ...said,
    ...ofMessages,
    reference_task_ids: z.array(z.string()).optional(),
  })
  .meta({ id: "TaskMessage" });

const artifactShape = z
  .object({
    artifact_id: z.string(),
    name: z.string().optional(),
    description: z.string().optional(),
    ...said,
    ...ofMessages,
  })
  .meta({ id: "Artifact" });

export const taskShape = z
  .object({
    task_id: z.uuid(),
    context_id: z.string(),
    from: z.string().describe("who gave it; ~guest without a name"),
    to: z.string().describe("who does it"),
    state: stateShape,
    changed_at: time,
    created_at: time,
    sequence: z.int().min(1).describe("of the last event"),
    payload: anyJson.optional().describe("what was asked first, short form of its parts"),
    parts: z.array(partShape).optional(),
    result: anyJson.optional().describe("what came of it, short form of its parts"),
    result_parts: z.array(partShape).optional(),
    message: taskMessageShape.optional().describe("what the worker said with the state"),
    artifacts: z.array(artifactShape),
    history: z.array(taskMessageShape).describe("what was said before, oldest first"),
    metadata: metadata.optional(),
  })
  .meta({ id: "Task" });

export const taskPageShape = z.object({
  tasks: z.array(taskShape),
  cursor: cursor.optional(),
  total: z.int().min(0).describe("of all pages"),
});
