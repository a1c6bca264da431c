/** What operations are called where people read of them. */
import type { LaneState } from "@parlance/contracts";

export const operationWords: Readonly<Record<LaneState["operation"], string>> = {
  transcribe: "Transcribe",
  custom_voice: "Speak",
  voice_design: "Design",
  voice_clone: "Imitate",
};
