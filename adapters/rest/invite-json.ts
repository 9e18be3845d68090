import { type AnswerObject, type InviteView, timeText } from "../../src/adapter-kit.ts";

export function jsonFromInvite(invite: InviteView): AnswerObject {
  return {
    nonce: invite.nonce,
    url: invite.url,
    expires_at: timeText(invite.expiresUnixMs),
    max_uses: invite.maxUses,
    uses: invite.uses,
    capabilities: invite.capabilities,
    created_by: invite.createdBy,
  };
}
