/**
 * The services of a stack as child processes: each in its own, or all in one. Either way they are the same services with their
 * own NATS users, and a process that dies is started again.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Credentials } from "@parlance/nats";
import { type ChildService, startChildService } from "./child-service.ts";
import type { PlannedService } from "./planned-services.ts";
import type { Processes } from "./processes.ts";
import { writerOf } from "./readable-line.ts";
import type { RunMessage } from "./run-message.ts";
import { smallNode } from "./small-node.ts";

export interface StartServicesOptions {
  planned: readonly PlannedService[];
  processes: Processes;
  /** Of the stack: what the services have in common. */
  environment: NodeJS.ProcessEnv;
  nats: { url: string; credentials: Credentials };
  onLine: (name: string, line: string, stream: "out" | "err") => void;
  /** Called for each service whenever the id of its process changes; undefined while there is none. */
  onPid: (name: string, pid: number | undefined) => void;
}

export interface StartedServices {
  /** Resolves with the gateway's address when all are ready; rejects with one sentence when one does not start. */
  ready: Promise<string>;
  /** Each service's Prometheus page. */
  pages: readonly ServicePage[];
  /** Sends a message to every process, and to each that takes the place of one. */
  tell(message: object): void;
  stop(): Promise<void>;
}

export interface ServicePage {
  name: string;
  /** Undefined when there is no answer. */
  metrics(): Promise<string | undefined>;
}

/** What the process of all services is called. */
const TOGETHER = "services";

const programOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export function startServices(options: StartServicesOptions): StartedServices {
  const { planned, processes, onLine, onPid } = options;
  const common: NodeJS.ProcessEnv = {
    ...options.environment,
    // One heap for all threads: glibc would keep one for each.
    MALLOC_ARENA_MAX: options.environment.MALLOC_ARENA_MAX ?? "1",
    // Compiled code is kept, so that a service that died is back sooner.
    NODE_COMPILE_CACHE: options.environment.NODE_COMPILE_CACHE ?? resolve(".parlance/compile-cache"),
  };
  const all = planned.map((each) => ({ ...each, environment: ownEnvironment(each, options.nats) }));

  if (processes === "one") {
    const names = planned.map(({ name }) => name);
    const child = startChildService({
      name: TOGETHER,
      main: programOf("stack/dist/services-process.js"),
      environment: { ...common, NATS_URL: options.nats.url, NATS_USER: "", NATS_PASSWORD: "" },
      nodeOptions: smallNode,
      onLine: (name, line, stream) => onLine(writerOf(line, names) ?? name, line, stream),
      onPid: (_name, pid) => {
        for (const name of names) onPid(name, pid);
      },
      firstMessage: (): RunMessage => ({ kind: "run", services: all }),
    });
    return together(
      [child],
      names.map((name) => ({ name, metrics: () => child.metrics(name) })),
      child.ready.then(({ url }) => {
        for (const each of all) if (each.service === "gateway") keepPort(each.environment, url);
        return url ?? "";
      }),
    );
  }

  const children = all.map(({ service, name, environment: own }) => {
    const environment = { ...common, ...(service === "gateway" && freeAtOnce(common)), ...own };
    const main = programOf(`${service}/dist/main.js`);
    const child = startChildService({ name, main, environment, nodeOptions: smallNode, onLine, onPid });
    const address = child.ready.then(({ url }) => {
      keepPort(environment, url);
      return url ?? "";
    });
    return { child, address };
  });
  return together(
    children.map(({ child }) => child),
    children.map(({ child }) => ({ name: child.name, metrics: () => child.metrics(child.name) })),
    Promise.all(children.map(({ address }) => address)).then(
      (addresses) => addresses.find((address) => address !== "") ?? "",
    ),
  );
}

function together(
  children: readonly ChildService[],
  pages: readonly ServicePage[],
  ready: Promise<string>,
): StartedServices {
  return {
    ready,
    pages,
    tell(message) {
      for (const child of children) child.tell(message);
    },
    async stop() {
      await Promise.all(children.map((child) => child.stop()));
    },
  };
}

/** What a service knows besides the environment of all. */
function ownEnvironment(
  { service, settings }: PlannedService,
  { url, credentials }: StartServicesOptions["nats"],
): Record<string, string> {
  const { user, password } = credentials[service];
  // The metrics are on the stack's page: one port cannot be everybody's.
  return { ...settings, METRICS_PORT: "", NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password };
}

/**
 * glibc keeps what a burst of requests took, between what is still in use. Parts from 32 KB on are therefore mapped by themselves, and
 * given back as soon as they are free. Only of the gateway, which starts no engine: those take and free much all the time.
 */
function freeAtOnce({ MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_ }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    MALLOC_TRIM_THRESHOLD_: MALLOC_TRIM_THRESHOLD_ ?? "131072",
    MALLOC_MMAP_THRESHOLD_: MALLOC_MMAP_THRESHOLD_ ?? "32768",
  };
}

/** A free port that was picked once stays the same when the service is started again. */
function keepPort(environment: NodeJS.ProcessEnv, url: string | undefined): void {
  if (url !== undefined) environment.PORT = new URL(url).port;
}
