/** Folders of other programs that are recognised without a manifest. A light entry: no ONNX Runtime is loaded by it. */
import type { LayoutRecogniser } from "@parlance/model-store";
import { recogniseQwen3Asr } from "./qwen3-asr.ts";
import { refuseUnusable } from "./unusable.ts";
import { recogniseWhisper } from "./whisper.ts";

/** One recogniser per architecture; the first that knows a folder has it. The last one says why none does. */
export const asrLayouts: readonly LayoutRecogniser[] = [recogniseQwen3Asr, recogniseWhisper, refuseUnusable];
