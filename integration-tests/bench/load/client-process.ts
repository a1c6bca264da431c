/**
 * A client of a bench in a process of its own, so that what it costs is told apart from what the services cost. It is asked one
 * question at a time.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { processorSeconds } from "../measure/cpu-profile.ts";

export interface ClientProcess {
  /** Throws when the client does, or has ended. */
  ask<Answer>(question: object, answer: z.ZodType<Answer>): Promise<Answer>;
  /** Of processor time that it used so far. */
  seconds(): number;
  close(): Promise<void>;
}

export const replySchema = z.union([z.object({ answer: z.unknown() }), z.object({ error: z.string() })]);
export type Reply = z.infer<typeof replySchema>;

/** `setUp`: what the program is told when it starts, as JSON in its one argument. */
export function startClient(program: URL, setUp: object): ClientProcess {
  const path = fileURLToPath(program);
  const child = fork(path, [JSON.stringify(setUp)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ended = once(child, "close");

  async function ending(): Promise<never> {
    const [code, signal] = await ended;
    throw new Error(`${path} ended with ${signal ?? code}`);
  }

  return {
    async ask(question, answer) {
      const replied = once(child, "message");
      child.send(question);
      const [message] = await Promise.race([replied, ending()]);
      const reply = replySchema.parse(message);
      if ("error" in reply) throw new Error(reply.error);
      return answer.parse(reply.answer);
    },
    seconds: () => processorSeconds(child.pid ?? 0),
    async close() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
