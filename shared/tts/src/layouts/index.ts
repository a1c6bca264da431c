/** Folders of other programs that are recognised without a manifest. A light entry: no ONNX Runtime is loaded by it. */
import type { LayoutRecogniser } from "@parlance/model-store";
import { recogniseFused, recogniseStacked } from "./qwen3-tts.ts";
import { refuseWeights } from "./unusable.ts";

/** The first that knows a folder has it. The last one says why none does. */
export const ttsLayouts: readonly LayoutRecogniser[] = [recogniseStacked, recogniseFused, refuseWeights];
