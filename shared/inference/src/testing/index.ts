export * from "./onnx-writer.ts";
export * from "./random-ctc-model.ts";
