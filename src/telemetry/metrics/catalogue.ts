/** What stands behind one name at /metrics. */
export interface MetricEntry {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly Label[];
  /** Upper bounds of a histogram, in the unit of its name. */
  readonly buckets?: readonly number[];
  /** What an operator looks for in it; empty = nothing by itself. */
  readonly watch: string;
}

/** No agent, channel or address is ever a label: it would tell names, and make as many series as there are agents. */
export type Label = "adapter" | "engine" | "code";

const FAST_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const PER_COMMIT = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 8192];

function counter(help: string, labels: readonly Label[] = [], watch = ""): MetricEntry {
  return { type: "counter", help, labels, watch };
}

function gauge(help: string, labels: readonly Label[] = [], watch = ""): MetricEntry {
  return { type: "gauge", help, labels, watch };
}

function histogram(
  help: string,
  labels: readonly Label[],
  buckets: readonly number[],
  watch = "",
): MetricEntry {
  return { type: "histogram", help, labels, buckets, watch };
}

/** The hub's own metrics, in the order of the reference; those of the process have prom-client's usual names. */
export const CATALOGUE = {
  mesh_messages_accepted_total: counter(
    "Messages accepted: each is durable, in an inbox or a channel.",
    [],
    "A rate that falls to 0 while clients are connected.",
  ),
  mesh_messages_accepted_bytes_total: counter("Bytes of accepted messages, headers included."),
  mesh_messages_duplicate_total: counter(
    "Sends whose dedupe key was known: the first message's place was answered and nothing was stored.",
  ),
  mesh_messages_refused_total: counter(
    "Sends that were refused, by error code.",
    ["code"],
    "`storage_full`, `unavailable` and `internal` at all; a rising share of `inbox_full` or `rate_limited`.",
  ),
  mesh_records_delivered_total: counter(
    "Records handed to readers, receipts included; one counts each time that it is handed over.",
    [],
    "Far below what is accepted: nobody reads.",
  ),
  mesh_records_acknowledged_total: counter(
    "Records that their reader acknowledged, receipts included.",
    [],
    "Far below what is delivered: readers do not acknowledge, and get the same again.",
  ),
  mesh_messages_dead_total: counter(
    "Messages that ended badly: `expired` (not read in time) or `failed` (its receiver said so).",
    ["code"],
    "Any lasting rate.",
  ),
  mesh_receipts_dropped_total: counter("Receipts that their inbox had no room for.", [], "Any lasting rate."),
  mesh_dead_letters: gauge(
    "Messages, tasks and push notifications that failed or expired and are kept, of all agents; looked up at most every 30 s.",
    [],
    "Growth: somebody is not reached. `GET /messages/dead` tells each agent why, and redrives.",
  ),
  mesh_inbox_unread_records: gauge(
    "Records that nobody has acknowledged yet, in all inboxes; looked up at most every 30 s.",
    [],
    "Growth that does not stop.",
  ),
  mesh_inbox_unread_max_records: gauge(
    "Unacknowledged records of the fullest inbox; looked up at most every 30 s.",
    [],
    "Near the bound of an inbox (MESHKORE_INBOX_MAX_MESSAGES): senders will be refused.",
  ),
  mesh_agents_online: gauge("Agents with a session open, or a call within the last minute."),
  mesh_sessions_open: gauge("Sessions of agents that are open, by wire.", ["adapter"], "A sudden fall."),
  mesh_sessions_opened_total: counter(
    "Sessions that were opened, by wire.",
    ["adapter"],
    "Far more than are open: clients reconnect again and again.",
  ),
  mesh_deliveries_open: gauge("Live deliveries: sessions, followed inboxes and long polls that wait."),
  mesh_pump_pauses_total: counter(
    "Times that a reader was full and its delivery waited for room.",
    [],
    "A lasting rate shows slow readers; nothing is lost by it.",
  ),
  mesh_streams_open: gauge("Answers that go on part by part, such as server-sent events.", ["adapter"]),
  mesh_tasks_created_total: counter("Tasks that were given, repeats not counted."),
  mesh_tasks_ended_total: counter(
    "Tasks that ended, by state: `completed`, `failed`, `canceled` or `rejected`.",
    ["code"],
    "A rising share of `failed`.",
  ),
  mesh_tasks_open: gauge(
    "Tasks that have not ended; looked up at most every 30 s.",
    [],
    "Growth that does not stop: workers are away, or never end what they took.",
  ),
  mesh_task_streams_open: gauge("Tasks that are followed live, once for each follower, over all faces."),
  mesh_pushes_sent_total: counter("Push notifications that their receiver took."),
  mesh_pushes_failed_total: counter(
    "Attempts to send a push notification that failed; they are tried again.",
    [],
    "Far more than are sent: receivers are down.",
  ),
  mesh_pushes_dead_total: counter(
    "Push notification configs whose delivery was given up; who asked for them finds them among its dead messages.",
    [],
    "Any lasting rate.",
  ),
  mesh_pushes_open: gauge("Push notification configs of tasks that go on."),
  mesh_pushes_waiting: gauge(
    "Push notification configs with something that their receiver has not taken yet.",
    [],
    "Near `mesh_pushes_open` for long: receivers are down, or slower than their tasks.",
  ),
  mesh_agents_elsewhere: gauge(
    "Agents that live behind a foreign protocol, by whether the last look at them found them: `found` or `lost`.",
    ["code"],
    "`lost` at all: `reach_status` in their profiles says why.",
  ),
  mesh_outbound_calls_total: counter(
    "Calls to servers outside, by class of HTTP status (`2xx` …) or, where none came, error code.",
    ["code"],
    "`permission_denied`: somebody names addresses that are not called.",
  ),
  mesh_outbound_calls_running: gauge(
    "Turns, notifications and looks that are under way now, streams that are followed left out.",
    [],
    "At MESHKORE_OUTBOUND_AT_ONCE for long: calls wait for each other.",
  ),
  mesh_outbound_servers_resting: gauge(
    "Servers outside that failed again and again and are left alone for a while.",
    [],
    "For long: they are down; what is for them is given up after MESHKORE_OUTBOUND_GIVE_UP_S.",
  ),
  mesh_http_requests_total: counter(
    "HTTP requests that were answered, by face and class of status (`2xx` …).",
    ["adapter", "code"],
    "A rising share of `5xx`; a full inbox and a full disk are told as 503 too.",
  ),
  mesh_http_request_seconds: histogram(
    "From the request's head to the answer's, long polls included.",
    ["adapter"],
    FAST_S,
  ),
  mesh_rpc_calls_total: counter(
    "Calls of the native services that ended, by wire and by error code (`ok` = without one).",
    ["adapter", "code"],
    "`internal` at all.",
  ),
  mesh_rpc_call_seconds: histogram(
    "Handling of a unary call of the native services, waits that the caller asked for included.",
    ["adapter"],
    FAST_S,
  ),
  mesh_attempts_wrong_total: counter(
    "Wrong nonces, keys and tokens.",
    [],
    "Somebody is guessing, or misconfigured.",
  ),
  mesh_attempts_refused_total: counter(
    "Calls that were answered `rate_limited` because of wrong credentials before.",
    [],
    "Any lasting rate: guessing from one address.",
  ),
  mesh_log_append_seconds: histogram(
    "From the call until the record is durable, of the record that waited longest in each commit.",
    ["engine"],
    FAST_S,
    "p99 above what clients put up with: the disk is slow.",
  ),
  mesh_log_commit_seconds: histogram(
    "Writing and flushing one commit; with MESHKORE_DURABILITY=power that is an fdatasync.",
    ["engine"],
    FAST_S,
    "p99 above 0.1 s: the disk is slow or shared.",
  ),
  mesh_log_commit_records: histogram(
    "Records of one commit: how well messages share a flush.",
    ["engine"],
    PER_COMMIT,
  ),
  mesh_log_commit_bytes_total: counter("Bytes of records that were committed.", ["engine"]),
  mesh_log_commit_failures_total: counter(
    "Commits of which nothing was accepted, by error code.",
    ["engine", "code"],
    "Any at all: the disk is full or broken.",
  ),
  mesh_log_queue_records: gauge(
    "Records that wait for their commit now.",
    ["engine"],
    "More than a few thousand for long: senders are faster than the disk.",
  ),
  mesh_log_queue_bytes: gauge("Bytes that wait for their commit now.", ["engine"]),
  mesh_hub_ready: gauge(
    "1 when the hub takes calls, 0 while it starts or drains.",
    [],
    "0 for more than a minute.",
  ),
} as const satisfies Readonly<Record<string, MetricEntry>>;

export type MetricName = keyof typeof CATALOGUE;
