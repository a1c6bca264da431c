/** Which voice a caller means, and whether it is there: told before any work begins. */
import { isStoredVoice, type SpeechAbilities, SpeechError, voiceIdOf, voiceNameSchema } from "@parlance/contracts";
import type { GatewayContext } from "../gateway-context.ts";
import { resolveVoice } from "../speech/speech-request.ts";

/**
 * As a job names it; undefined: the model's default voice. A stored voice goes by its id, and by its name where no model's voice does.
 * Throws `voice_not_found` for an id of a stored voice that is not there.
 */
export async function findVoice(
  asked: string | undefined,
  workers: readonly SpeechAbilities[],
  { voices }: Pick<GatewayContext, "voices">,
): Promise<string | undefined> {
  const voice = resolveVoice(asked, workers);
  if (voice === undefined || workers.some(({ voices: own = [] }) => own.some(({ id }) => id === voice))) return voice;
  if (isStoredVoice(voice)) {
    await requireVoices([{ voice, param: "voice" }], { voices });
    return voice;
  }
  if (!voiceNameSchema.safeParse(voice).success) return voice;
  return (await voices.get(voiceIdOf(voice)))?.value.id ?? voice;
}

export interface NamedVoice {
  voice: string | undefined;
  /** The field that names it. */
  param: string;
}

/** Throws `voice_not_found` for the first that is an id of a stored voice and not there. */
export async function requireVoices(named: readonly NamedVoice[], { voices }: Pick<GatewayContext, "voices">) {
  const asked = new Map<string, string>();
  for (const { voice, param } of named) if (isStoredVoice(voice) && !asked.has(voice)) asked.set(voice, param);
  for (const [voice, param] of asked) {
    if (await voices.has(voice)) continue;
    throw new SpeechError("voice_not_found", `${param}: no voice with the id ${voice} is stored`, { param });
  }
}
