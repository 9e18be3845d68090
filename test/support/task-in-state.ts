import type { TestAgent } from "./hub.ts";
import { until } from "./until.ts";

/** The task as REST shows it to the agent, when it is in that state. */
export function taskInState(
  agent: TestAgent,
  taskId: string,
  state: string,
): Promise<Record<string, unknown>> {
  return until(`the task is ${state}`, async () => {
    const task: Record<string, unknown> = Object((await agent.get(`/tasks/${taskId}`)).json);
    return task["state"] === state && task;
  });
}
