/** An engine of a bench in a process of its own: lines of JSON in and out, so that all are asked in the same way. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import * as z from "zod";

export interface EngineChild {
  /** Seconds that it took to load its model, its libraries being loaded. */
  loadSeconds: number;
  /** One question, and its answer. */
  ask<Answer>(question: object, answer: z.ZodType<Answer>): Promise<Answer>;
  /** Seconds of processor time that it used so far. */
  processorSeconds(): Promise<number>;
  /** Most memory that the process had so far, in bytes. */
  peakMemory(): Promise<number>;
  close(): Promise<void>;
}

const loadedSchema = z.object({ load_s: z.number() });

/** Throws with the end of what the engine wrote to its error output when it cannot be had. */
export async function startEngineChild(
  command: string,
  args: readonly string[],
  threads: number,
): Promise<EngineChild> {
  // Threads that wait by spinning starve each other where a core is busy with something else. One rule for all.
  const waiting = { OMP_WAIT_POLICY: "passive", KMP_BLOCKTIME: "0" };
  const limits = { ...waiting, OMP_NUM_THREADS: `${threads}`, MKL_NUM_THREADS: `${threads}`, HF_HUB_OFFLINE: "1" };
  const child = spawn(command, args, { env: { ...process.env, ...limits }, stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-2_000);
  });
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done === true) {
      const [code, signal] = await ended;
      const last = errors.trim().split("\n").at(-1)?.slice(0, 300);
      throw new Error(`its process ended with ${signal ?? code}; last line of its error output: ${last}`);
    }
    return JSON.parse(String(value)) as unknown;
  };
  const { load_s: loadSeconds } = loadedSchema.parse(await next());
  return {
    loadSeconds,
    async ask(question, answer) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return answer.parse(await next());
    },
    async processorSeconds() {
      // User and system time, behind the name in brackets, in hundredths of a second.
      const fields = (await readFile(`/proc/${child.pid}/stat`, "utf8")).replace(/^.*\) /, "").split(" ");
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    async peakMemory() {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8");
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    },
    async close() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
}
