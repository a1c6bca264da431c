/** What a result page says of the machine it was made on. */
import { availableParallelism, cpus, totalmem } from "node:os";

export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${availableParallelism()} cores (${model}), ${Math.round(totalmem() / 1e9)} GB, Node ${process.versions.node}, ${process.platform} ${process.arch}`;
}
