/** Which language a stored voice speaks where its caller names none: that of its recording. Pure. */
import type { SpeechAbilities } from "@parlance/contracts";
import { isWrittenIn } from "@parlance/tts/text";

export interface VoiceLanguageQuestion {
  /** By its English name, or `auto`. */
  asked: string;
  /** Of the recording, as `asked`. */
  recorded: string;
  text: string;
  workers: readonly SpeechAbilities[];
}

/** Left to the model where the text is not in letters of the recording's language, or no model that clones speaks that. */
export function voiceLanguage({ asked, recorded, text, workers }: VoiceLanguageQuestion): string {
  if (asked !== "auto" || recorded === "auto" || !isWrittenIn(text, recorded)) return asked;
  const cloning = workers.filter(({ operations }) => operations?.includes("voice_clone"));
  return cloning.some(({ languages }) => languages?.includes(recorded) ?? true) ? recorded : asked;
}
