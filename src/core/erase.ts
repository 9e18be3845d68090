import { MeshError } from "../model/errors.ts";
import { START } from "../model/position.ts";
import type { Clock } from "../ports/clock.ts";
import type { ErasureStore } from "../ports/erasure-store.ts";
import type { LogUpkeep } from "../ports/log-upkeep.ts";
import type { Logger } from "../ports/logger.ts";
import type { MessageLog } from "../ports/message-log.ts";
import { erasedRecord } from "./erased-record.ts";
import { inboxStream } from "./streams.ts";

/** An erased agent sends nothing more, so the second pass finds little and the third nothing. */
const MAX_PASSES = 10;

export interface EraserDeps {
  readonly log: MessageLog & LogUpkeep;
  readonly erasures: ErasureStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Deletes a living agent and ends its sessions; nothing when there is none (any more). */
  readonly removeAgent: (agentId: string) => Promise<void>;
  /** Writes down what is still counted in memory. */
  readonly flushTraffic: () => Promise<void>;
  /** Lets go of copies of messages in memory. */
  readonly forgetCopies: () => void;
  /** Asks for the files to be written anew, without what is free in them, when no hub has them open. */
  readonly requestCompaction: () => Promise<void>;
}

/** Erases agents. */
export interface Eraser {
  /**
   * Deletes the agent and everything of it; answers when that is durable, with how many messages lost their
   * contents: those in its inbox, and its own in others' inboxes and in channels. One that is cut off goes on with
   * the next start. What free pages of the files still hold goes when they are compacted, with the next start too.
   * @throws MeshError not_found when nobody ever had the id; storage_full, unavailable: then it can be called again
   */
  erase(agentId: string): Promise<{ readonly messagesErased: number }>;
  /** Goes on with what an earlier run of the hub left over; answers when that is done. Never rejects. */
  resume(): Promise<void>;
}

/** The caller sees to it that no backup is made meanwhile. */
export function createEraser(deps: EraserDeps): Eraser {
  const { log, erasures, clock, logger } = deps;

  async function finish(agentId: string): Promise<number> {
    let erased = await keptInInbox(log, agentId);
    await deps.removeAgent(agentId);
    await deps.requestCompaction();
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const replaced = await log.rewrite((_stream, { bytes }) => erasedRecord(bytes, agentId));
      erased += replaced;
      // What was on its way when the agent was deleted may have come behind the first pass.
      if (replaced === 0 && pass > 0) break;
    }
    await log.forgetKeys((stream, key) => isKeyOf(agentId, stream, key));
    deps.forgetCopies();
    await log.trim(inboxStream(agentId), Number.POSITIVE_INFINITY);
    // Last: until now something may have been counted.
    await deps.flushTraffic();
    await erasures.wipe(agentId);
    await erasures.end(agentId, clock.nowUnixMs());
    await erasures.scrub();
    logger.info("agent.erased", { agentId, messages: erased });
    return erased;
  }

  return {
    async erase(agentId) {
      if (!(await erasures.begin(agentId, clock.nowUnixMs()))) throw noSuchAgent(agentId);
      return { messagesErased: await finish(agentId) };
    },
    async resume() {
      try {
        for (const agentId of await erasures.unfinished()) await finish(agentId);
      } catch (error) {
        logger.error("erasure.not_resumed", { error });
      }
    },
  };
}

async function keptInInbox(log: MessageLog, agentId: string): Promise<number> {
  const { first, end } = await log.read(inboxStream(agentId), { from: START, limit: 0 });
  return end.offset - first.offset + 1;
}

/** Keys that the agent chose, and keys of messages to it. */
function isKeyOf(agentId: string, stream: string, key: string): boolean {
  return stream === inboxStream(agentId) || key.startsWith(`${agentId}\n`);
}

function noSuchAgent(agentId: string): MeshError {
  return new MeshError("not_found", `nobody ever had the id ${JSON.stringify(agentId.slice(0, 80))}`, {
    hint: "GET /agents lists the agents of this hub; deleted ones can be erased too",
  });
}
