/** The services of a started project as containers: where they are, how they are, and what they take. */
import { setTimeout as pause } from "node:timers/promises";
import { type ContainerProgram, orThrow } from "./container-program.ts";

export interface RunningServices {
  /** Whether the check that compose.yaml gives the service passes now. Docker runs it by the clock; podman is asked to. */
  isHealthy(service: string): boolean;
  /** Of all processes of the container, in MB, as the kernel counts them for it. */
  memoryMb(service: string): number;
  /** Where a port of the container is reached from here, as `http://…`: published, else at its own address. */
  addressOf(service: string, port: number): Promise<string>;
  /** `undefined` while it runs. */
  exitCodeOf(service: string): number | undefined;
  /** Runs JavaScript in the container. */
  node(service: string, script: string): { status: number | null; output: string };
  /** Kills its main process from inside, as a crash would end it, and returns whether it runs again within the limit. */
  comesBack(service: string, limitMs: number): Promise<boolean>;
  /** What it wrote last. */
  lastLines(service: string): string;
}

const POLL_MS = 500;
// The first process is the container's init; a service is what it started. A process cannot kill the first one of its own namespace.
const killMain = `
const { readdirSync, readFileSync } = require("node:fs");
for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
  const parent = readFileSync("/proc/" + pid + "/stat", "utf8").replace(/^.*[)] /, "").split(" ")[1];
  if (parent === "1" && readFileSync("/proc/" + pid + "/cmdline", "utf8").includes("main.js")) process.kill(+pid, "SIGKILL");
}`;

export function runningServices(program: ContainerProgram, project: string): RunningServices {
  const ids = new Map<string, string>();
  const idOf = (service: string) => ids.get(service) ?? find(service);

  function find(service: string): string {
    const label = (name: string, value: string) => ["--filter", `label=com.docker.compose.${name}=${value}`];
    const listing = program.run(["ps", "--all", "--quiet", ...label("project", project), ...label("service", service)]);
    const [id] = orThrow(`finding ${service}`, listing).said.split("\n");
    if (id === undefined || id === "") throw new Error(`there is no container of ${service}`);
    ids.set(service, id);
    return id;
  }
  const inspect = (service: string, format: string) =>
    orThrow(`inspecting ${service}`, program.run(["inspect", "--format", format, idOf(service)])).said;

  function node(service: string, script: string) {
    return program.run(["exec", idOf(service), "node", "-e", script]);
  }

  return {
    node,
    isHealthy(service) {
      if (program.kind === "docker") return inspect(service, "{{.State.Health.Status}}") === "healthy";
      return program.run(["healthcheck", "run", idOf(service)]).status === 0;
    },
    memoryMb(service) {
      const stats = program.run(["stats", "--no-stream", "--format", "{{.MemUsage}}", idOf(service)]);
      return Math.round(megabytes(orThrow(`asking for the memory of ${service}`, stats).said));
    },
    async addressOf(service, port) {
      const published = orThrow("asking for ports", program.run(["port", idOf(service), `${port}/tcp`])).said.split(
        "\n",
      )[0];
      const own = inspect(service, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}").split(" ")[0];
      for (const host of [published, `${own}:${port}`]) {
        const answered = await fetch(`http://${host}/livez`, { signal: AbortSignal.timeout(5_000) }).catch(
          () => undefined,
        );
        if (answered !== undefined) return `http://${host}`;
      }
      throw new Error(`${service} answers neither on ${published} nor on ${own}:${port}`);
    },
    exitCodeOf(service) {
      const [status, code] = inspect(service, "{{.State.Status}} {{.State.ExitCode}}").split(" ");
      return status === "exited" ? Number(code) : undefined;
    },
    async comesBack(service, limitMs) {
      const before = inspect(service, "{{.State.Pid}}");
      const killed = node(service, killMain);
      // The program that was to tell of it may be told itself that the container ended.
      const until = Date.now() + limitMs;
      while (Date.now() < until) {
        const [now, status] = inspect(service, "{{.State.Pid}} {{.State.Status}}").split(" ");
        if (status === "running" && now !== before && now !== "0") return true;
        await pause(POLL_MS);
      }
      process.stdout.write(`${service} did not come back: ${killed.output}\n`);
      return false;
    },
    lastLines: (service) => program.run(["logs", "--tail", "15", idOf(service)]).output,
  };
}

/** `75.2MB / 24GB`, `75.2MiB / 24GiB`: the first of them. */
export function megabytes(usage: string): number {
  const [, figure = "NaN", unit = ""] = /^\s*([\d.]+)\s*([kKMG]i?)?B/.exec(usage) ?? [];
  const bytes: Record<string, number> = {
    "": 1,
    k: 1e3,
    K: 1e3,
    M: 1e6,
    G: 1e9,
    ki: 1024,
    Ki: 1024,
    Mi: 1024 ** 2,
    Gi: 1024 ** 3,
  };
  return (Number(figure) * (bytes[unit] ?? Number.NaN)) / 1e6;
}
