/** Forked by `device.ts`: runs one addition on a CUDA device and says `ok` or why not. A native abort ends only this process. */
import { InferenceSession, Tensor } from "onnxruntime-node";

/** `sum = x + x`, written by the ONNX writer in testing/ (its test holds the two to each other). */
export const additionGraph =
  "CAg6RgoZCgF4CgF4EgNzdW0aB0FkZF9zdW0iA0FkZBIFZ3JhcGhaDwoBeBIKCggIARIECgIIAWIRCgNzdW0SCgoICAESBAoCCAFCBAoAEBE=";

export async function runAddition(provider: "cpu" | "cuda", deviceId: number): Promise<number> {
  const session = await InferenceSession.create(Buffer.from(additionGraph, "base64"), {
    executionProviders: [provider === "cuda" ? { name: "cuda", deviceId } : "cpu"],
    logSeverityLevel: 3,
  });
  const outputs = await session.run({ x: new Tensor("float32", [20.5], [1]) });
  await session.release();
  return Number(outputs.sum?.data[0]);
}

if (process.send !== undefined && process.argv[2] !== undefined) {
  const report = (answer: string) => process.send?.(answer, () => process.exit());
  runAddition("cuda", Number(process.argv[2])).then(
    (sum) => report(sum === 41 ? "ok" : `it adds wrongly: ${sum}`),
    (error: unknown) => report(error instanceof Error ? error.message : String(error)),
  );
}
