/** The languages that Qwen3-ASR was trained to tell and to be told, by the names that stand in its prompt, in its own order. */
import { findLanguage } from "@parlance/contracts";

const codes = "zh en yue ar de fr es pt id it ko ru th vi ja tr hi ms nl sv da fi pl cs fil fa el ro hu mk";

export const qwen3AsrLanguages: readonly string[] = codes.split(" ").map((code) => findLanguage(code) ?? code);
