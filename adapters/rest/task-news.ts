import { jsonFromTask, jsonFromTaskEvent, type TaskJson, type TaskNews } from "../../src/adapter-kit.ts";

/** What a follower is told, as JSON: a task, or one event with its sequence. */
export function jsonFromNews(news: TaskNews): TaskJson {
  if (news.task !== undefined) return jsonFromTask(news.task);
  const { event, sequence } = news;
  return {
    task_id: event.taskId,
    context_id: event.contextId,
    from: event.author,
    sequence,
    ...jsonFromTaskEvent(event),
  };
}
