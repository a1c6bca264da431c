/** The topology of a nats-server that has just been started, made by a process of its own. */
import { fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Log } from "@parlance/telemetry";
import { smallNode } from "./small-node.ts";
import { type TopologyAnswer, type TopologyRequest, topologyAnswerSchema } from "./topology-request.ts";

const program = fileURLToPath(new URL(`./topology-process${extname(import.meta.url)}`, import.meta.url));

/** Throws an error of one sentence when a stream cannot be as the settings say. */
export async function makeTopology(
  request: TopologyRequest,
  { environment, log }: { environment: NodeJS.ProcessEnv; log: Log },
): Promise<void> {
  const child = fork(program, {
    env: environment,
    execArgv: [...smallNode],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const answer = new Promise<TopologyAnswer>((resolve, reject) => {
    child.once("message", (message) => resolve(topologyAnswerSchema.parse(message)));
    child.once("error", reject);
    child.once("close", () => reject(new Error("the process that makes the NATS topology ended without an answer")));
  });
  child.send(request);
  const told = await answer;
  if ("problem" in told) throw new Error(told.problem);
  log.info(told.made, "the NATS topology is in place");
}
