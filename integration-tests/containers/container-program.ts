/** What runs containers on this machine: Docker with its Compose plugin, else podman with podman-compose. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Finished {
  status: number | null;
  /** Both outputs, for people. */
  output: string;
  /** The standard output alone, without white space around it. */
  said: string;
}

export interface ContainerProgram {
  kind: "docker" | "podman";
  /** With versions, as `podman 4.3.1, podman-compose 1.6.0`. */
  name: string;
  /** `docker …` or `podman …`; never throws. */
  run(args: readonly string[], limitMs?: number): Finished;
  /** `docker compose …` or `podman-compose …`; never throws. */
  compose(args: readonly string[], limitMs?: number): Finished;
}

const LOOK_MS = 30_000;
const COMMAND_MS = 600_000;
const install =
  "install Docker with its Compose plugin, or podman, buildah, runc, netavark, aardvark-dns, iptables and catatonit with podman-compose 1.6 or newer";

/** Throws with what to install when there is neither. */
export function findContainerProgram(): ContainerProgram {
  const docker = execute(["docker", "info", "--format", "{{.ServerVersion}}"], LOOK_MS);
  const plugin = execute(["docker", "compose", "version", "--short"], LOOK_MS);
  if (docker.status === 0 && docker.said !== "" && plugin.status === 0) {
    return {
      kind: "docker",
      name: `docker ${docker.said}, compose ${plugin.said}`,
      run: (args, limitMs) => execute(["docker", ...args], limitMs),
      compose: (args, limitMs) => execute(["docker", "compose", ...args], limitMs),
    };
  }
  const podman = execute(["podman", "version", "--format", "{{.Client.Version}}"], LOOK_MS);
  const compose = execute(["podman-compose", "version", "--short"], LOOK_MS);
  if (podman.status !== 0 || compose.status !== 0) {
    const has = [
      podman.status === 0 ? "podman" : undefined,
      compose.status === 0 ? "podman-compose" : undefined,
      plugin.status === 0 ? "docker compose (no daemon answers)" : undefined,
    ].filter((part) => part !== undefined);
    throw new Error(`nothing here runs containers${has.length > 0 ? ` (found: ${has.join(", ")})` : ""}: ${install}`);
  }
  return {
    kind: "podman",
    name: `podman ${podman.said}, podman-compose ${compose.said}`,
    run: (args, limitMs) => execute(["podman", ...args], limitMs),
    compose: (args, limitMs) => execute(["podman-compose", ...args], limitMs),
  };
}

/**
 * Containers may not nest everywhere as podman wishes: the machine may be a container itself, or a small virtual one.
 * There they start with plainer settings: another OCI runtime, cgroups without systemd, and no more open files than the
 * machine allows. Throws when neither starts.
 */
export function makeContainersStart(program: ContainerProgram, image: string, folder: string): void {
  const tried = () => program.run(["run", "--rm", "--network", "none", "--entrypoint", "/bin/true", image], LOOK_MS);
  if (program.kind === "docker" || tried().status === 0) return;
  const file = join(folder, "containers.conf");
  writeFileSync(
    file,
    `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
`,
  );
  process.env.CONTAINERS_CONF = file;
  orThrow("starting a container", tried());
}

export function execute([program = "", ...args]: readonly string[], limitMs = COMMAND_MS): Finished {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  const said = (stdout ?? "").trim();
  return { status, said, output: [said, (stderr ?? "").trim(), error?.message ?? ""].filter(Boolean).join("\n") };
}

/** Throws with the last lines of what a command said when it failed. */
export function orThrow(what: string, finished: Finished): Finished {
  if (finished.status === 0) return finished;
  const last = finished.output.split("\n").slice(-15).join("\n");
  throw new Error(`${what} failed (${finished.status ?? "stopped"})\n${last}`);
}
