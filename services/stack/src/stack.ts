/**
 * The whole pipeline on one machine: nats-server, the topology, and every service as a child process.
 *
 * Promises: what it started it stops, services before nats-server, so that they can give back what they hold; a service
 * or a nats-server that dies is started again; a start error is one line. Its only state is `running.json`.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Settings } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { type ChildService, startChildService } from "./child-service.ts";
import { type SupervisedNats, startNats } from "./nats-child.ts";
import { createRunningFile } from "./running-file.ts";

export const stackSettings = [
  "ENABLE_ASR",
  "NATS_PORT",
  "NATS_SERVER_BIN",
  "NATS_STORE_DIR",
  "STATE_DIR",
  "TRANSCRIBE_WORKERS",
] as const;

export interface StackOptions {
  settings: Settings<(typeof stackSettings)[number]>;
  environment: NodeJS.ProcessEnv;
  log: Log;
  onLine: (service: string, line: string, stream: "out" | "err") => void;
}

export interface Stack {
  gatewayUrl: string;
  natsUrl: string;
  stop(): Promise<void>;
}

const servicesFolder = fileURLToPath(new URL("../..", import.meta.url));

/** A service whose bundle was built runs from it: it starts faster and needs less memory than the sources. */
export function mainOf(service: string): string {
  const bundle = join(servicesFolder, service, "dist", "main.js");
  return existsSync(bundle) ? bundle : join(servicesFolder, service, "src", "main.ts");
}

export async function startStack({ settings, environment, log, onLine }: StackOptions): Promise<Stack> {
  const stateDir = resolve(settings.STATE_DIR ?? ".parlance");
  const running = createRunningFile(stateDir);
  const onPid = (service: string, pid: number | undefined) =>
    running.update((file) => {
      if (pid === undefined) delete file.pids[service];
      else file.pids[service] = pid;
    });

  const children: ChildService[] = [];
  let nats: SupervisedNats | undefined;

  async function stop(): Promise<void> {
    await Promise.all(children.map((child) => child.stop()));
    await nats?.stop();
    running.remove();
  }

  try {
    nats = await startNats({ settings, environment, stateDir, log, onPid: (pid) => onPid("nats-server", pid) });
    const { url, credentials } = nats;
    running.update((file) => {
      file.natsUrl = url;
    });
    const start = (service: string, name = service) => {
      const user = credentials[service];
      const child = startChildService({
        name,
        main: mainOf(service),
        environment: {
          ...environment,
          NATS_URL: url,
          ...(user === undefined ? {} : { NATS_USER: user.user, NATS_PASSWORD: user.password }),
        },
        nodeOptions: ["--max-semi-space-size=2"],
        onLine,
        onPid,
      });
      children.push(child);
      return child.ready;
    };
    const workers = settings.ENABLE_ASR ? (settings.TRANSCRIBE_WORKERS ?? 1) : 0;
    const [gateway] = await Promise.all([
      start("gateway"),
      start("ingest"),
      start("results"),
      ...Array.from({ length: workers }, (_, index) =>
        start("transcribe-worker", index === 0 ? "transcribe-worker" : `transcribe-worker-${index + 1}`),
      ),
    ]);
    const gatewayUrl = gateway.url ?? "";
    running.update((file) => {
      file.gatewayUrl = gatewayUrl;
    });
    return { gatewayUrl, natsUrl: url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
