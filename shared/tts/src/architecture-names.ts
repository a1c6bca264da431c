/** The architectures by name alone: for those who must know whether a model could be loaded, and load none. */
export const architectureNames: readonly string[] = ["parametric", "qwen3-tts"];
