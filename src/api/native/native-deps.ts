import type { HubApi } from "../hub-api.ts";
import type { SessionHandler } from "./bind.ts";
import type { WelcomeFacts } from "./relay-messages.ts";

/** What the native services are built from. */
export interface NativeDeps {
  readonly api: HubApi;
  readonly facts: WelcomeFacts;
  /** Opens a session whose frames are encoded messages of RelayService.Session. */
  readonly openSession: SessionHandler;
}
