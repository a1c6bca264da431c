/** A program of its own for each way that is measured: its memory is given back with it, and a crash ends nothing else. */
import { spawn } from "node:child_process";
import { once } from "node:events";

interface ChildOrder {
  device: "cpu" | "cuda";
  format: "float32" | "float16";
}

/** Tells a program its order as JSON; answers what is in the last line of its output. Throws with the end of its error output. */
export async function askChild<Order extends ChildOrder>(program: string, order: Order): Promise<unknown> {
  // CUDA would multiply float32 with ten bits of mantissa, and tokens could not be those of the CPU.
  const exact = order.device === "cuda" && order.format === "float32" ? { NVIDIA_TF32_OVERRIDE: "0" } : {};
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    env: { ...process.env, ...exact },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-4_000);
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  // Who asked the runtime for more than its errors wants to read it.
  if (code !== 0 && process.env.ORT_LOG_SEVERITY_LEVEL !== undefined) process.stderr.write(errors);
  if (code !== 0) throw new Error(`its process ended with ${signal ?? code}: ${lastWords(errors)}`);
  return JSON.parse(output.trim().split("\n").at(-1) ?? "");
}

/** The line that says what went wrong, not the stack behind it. */
function lastWords(errors: string): string {
  const lines = errors.split("\n").filter((line) => line.trim() !== "");
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? "no error output").trim().slice(0, 400);
}
