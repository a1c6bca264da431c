export * from "./echo-ctc-model.ts";
export * from "./onnx-writer.ts";
export * from "./random-ctc-model.ts";
export * from "./sampled.ts";
export * from "./scripted-pass.ts";
