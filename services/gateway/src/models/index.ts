/**
 * Which models there are, what they can do, and whether they can answer. The workers tell; this keeps what they said for a moment.
 *
 * A request whose model cannot be loaded is told at once why. Whoever runs the machines loads and unloads by hand here, and
 * reads which GPU serves what.
 */
export { createAwaitModel } from "./await-model.ts";
export { addGpu, createGpuStatus } from "./gpu-endpoints.ts";
export { addModelManagement } from "./manage-models-endpoints.ts";
export { addModels } from "./models-endpoints.ts";
export { OtherModel } from "./other-model.ts";
export { createRequestedModels } from "./requested-models.ts";
export { createSpeechModels } from "./speech-models.ts";
