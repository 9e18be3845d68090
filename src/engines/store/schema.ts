import type { AccessMode, PlanName } from "../../model/agent.ts";
import type { OutcomeState } from "../../ports/outcome-store.ts";

/**
 * The tables, in words that both dialects have: text, whole numbers up to 2^53, bytes. Flags are 0 or 1, moments
 * are ms since the Unix epoch, lists and profiles are JSON text.
 */
export interface Database {
  agents: AgentsTable;
  invites: InvitesTable;
  keys: KeysTable;
  secrets: SecretsTable;
  access_rules: AccessRulesTable;
  channels: ChannelsTable;
  channel_members: ChannelMembersTable;
  outcomes: OutcomesTable;
  tasks: TasksTable;
  traffic_edges: TrafficEdgesTable;
  traffic_months: TrafficMonthsTable;
  traffic_totals: TrafficTotalsTable;
  erasures: ErasuresTable;
  pushes: PushesTable;
  reaches: ReachesTable;
  reach_credentials: ReachCredentialsTable;
  remote_tasks: RemoteTasksTable;
  schema_version: SchemaVersionTable;
}

export type Flag = 0 | 1;

interface AgentsTable {
  agent_id: string;
  profile: string;
  public_key: string | null;
  plan: PlanName;
  created_ms: number;
  /** Null = living. */
  deleted_ms: number | null;
}

interface InvitesTable {
  nonce: string;
  created_by: string;
  created_ms: number;
  expires_ms: number;
  max_uses: number;
  uses: number;
  is_revoked: Flag;
  capabilities: string;
}

interface KeysTable {
  hash: string;
  agent_id: string;
  created_ms: number;
  /** Null = the current key. */
  expires_ms: number | null;
}

interface SecretsTable {
  kid: string;
  /** Empty = revoked. */
  secret: Uint8Array;
  created_ms: number;
}

interface AccessRulesTable {
  owner_id: string;
  subject: string;
  mode: AccessMode;
}

interface ChannelsTable {
  channel_id: string;
  owner_id: string;
  description: string;
  is_private: Flag;
  /** Kept in step with channel_members by whoever changes them. */
  member_count: number;
  created_ms: number;
  /** A deleted channel keeps its name. */
  is_deleted: Flag;
}

interface ChannelMembersTable {
  channel_id: string;
  member_id: string;
}

interface OutcomesTable {
  message_id: string;
  sender_id: string;
  receiver: string;
  state: OutcomeState;
  note: string;
  at_ms: number;
}

interface TasksTable {
  task_id: string;
  context_id: string;
  caller: string;
  worker: string;
  /** Null = none, or not counted any more. */
  dedupe_key: string | null;
  tells_caller: Flag;
  state: number;
  changed_ms: number;
  created_ms: number;
  is_settled: Flag;
}

interface TrafficEdgesTable {
  from_id: string;
  to_id: string;
  messages: number;
  bytes: number;
  last_ms: number;
}

interface TrafficMonthsTable {
  agent_id: string;
  month: string;
  messages: number;
}

/** One row, so that totals need no scan. */
interface TrafficTotalsTable {
  id: 1;
  messages: number;
  bytes: number;
}

interface ErasuresTable {
  agent_id: string;
  begun_ms: number;
  /** Null = still to be gone on with. */
  ended_ms: number | null;
}

interface PushesTable {
  task_id: string;
  config_id: string;
  owner_id: string;
  dialect: string;
  url: string;
  token: string;
  scheme: string;
  credentials: string;
  created_ms: number;
  sent: number;
  /** Null = it goes on. */
  stopped_ms: number | null;
  stopped_reason: string;
}

interface ReachesTable {
  agent_id: string;
  dialect: string;
  address: string;
  facts: string;
  checked_ms: number;
}

interface ReachCredentialsTable {
  agent_id: string;
  origin: string;
  header: string;
  sealed: string;
  set_ms: number;
}

interface RemoteTasksTable {
  task_id: string;
  agent_id: string;
  context_id: string;
  remote_task_id: string;
  remote_context_id: string;
  is_open: Flag;
  changed_ms: number;
}

interface SchemaVersionTable {
  version: number;
  applied_ms: number;
}
