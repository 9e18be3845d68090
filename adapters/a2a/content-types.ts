import { MeshError, type RegistryApi } from "../../src/adapter-kit.ts";
import type { Part, SendMessageRequest } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError } from "./a2a-error.ts";
import type { Asked } from "./asked.ts";
import { declaredModes } from "./card.ts";

/**
 * Holds a message against what its agent says that it takes and gives. An agent that says nothing takes everything.
 * @returns a check that throws A2aError CONTENT_TYPE_NOT_SUPPORTED
 */
export function createTypeCheck(registry: Pick<RegistryApi, "getAgent">) {
  return async (asked: Asked, agent: string, request: SendMessageRequest): Promise<void> => {
    const modes = await modesOf(registry, asked, agent);
    const { input, output } = modes;
    for (const [index, part] of (request.message?.parts ?? []).entries()) {
      const type = typeOf(part);
      if (input === undefined || type === undefined || matches(type, input)) continue;
      throw unsupported(`parts[${index}] is ${type}, and the agent takes ${input.join(", ")}`, input);
    }
    const accepted = request.configuration?.acceptedOutputModes ?? [];
    if (output === undefined || accepted.length === 0) return;
    if (output.some((type) => matches(type, accepted))) return;
    throw unsupported(`the agent answers with ${output.join(", ")}, none of which you accept`, output);
  };
}

/** What a caller may not see it cannot know the types of: the agent is asked, if it may be called at all. */
async function modesOf(registry: Pick<RegistryApi, "getAgent">, { call }: Asked, agent: string) {
  try {
    return declaredModes((await registry.getAgent(call, agent)).profile);
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "not_found")
      return { input: undefined, output: undefined };
    throw thrown;
  }
}

/** Undefined = what the link gives, nobody knows before it is followed. */
function typeOf({ content, mediaType }: Part): string | undefined {
  if (mediaType !== "") return mediaType;
  if (content.case === "text") return "text/plain";
  if (content.case === "data") return "application/json";
  return content.case === "raw" ? "application/octet-stream" : undefined;
}

/** Parameters do not count; a star stands for all of its kind. */
function matches(type: string, accepted: readonly string[]): boolean {
  const plain = plainType(type);
  const [kind = ""] = plain.split("/", 1);
  return accepted
    .map(plainType)
    .some((one) => one === plain || one === "*/*" || one === "*" || one === `${kind}/*` || plain === "*/*");
}

function plainType(type: string): string {
  const [plain = ""] = type.split(";", 1);
  // Clients of 0.3 often say just "text".
  return plain.trim().toLowerCase() === "text" ? "text/plain" : plain.trim().toLowerCase();
}

function unsupported(message: string, supported: readonly string[]): A2aError {
  return new A2aError("CONTENT_TYPE_NOT_SUPPORTED", message, {
    metadata: { supportedTypes: supported.join(", ").slice(0, 1000) },
  });
}
