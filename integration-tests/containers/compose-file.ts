/** What compose.yaml and services/Dockerfile say, as far as running and checking them needs it; read line by line. */

/** Images that are not built here, as they are named. */
export function baseImagesOf(compose: string, dockerfile: string): { node: string; nats: string } {
  return {
    node: only(dockerfile.matchAll(/^ARG NODE_IMAGE=(\S+)$/gm), "NODE_IMAGE"),
    nats: only(compose.matchAll(/^ +image: (nats:\S+)$/gm), "the image of nats"),
  };
}

/** Stages of a Dockerfile that others name. */
export function targetsOf(dockerfile: string): string[] {
  return firstGroups(dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm));
}

/** What a compose file has built: an image's name and the target that it is. */
export function buildsOf(compose: string): { image: string; target: string }[] {
  return [...compose.matchAll(/^ +image: (parlance:\S+)\n +build: \{.*\btarget: (\w+) \}$/gm)].map(
    ([, image = "", target = ""]) => ({ image, target }),
  );
}

/** Names of the services that run for as long as the pipeline, without those of a profile. */
export function lastingServices(compose: string): string[] {
  const [, services = ""] = compose.split(/^services:$/m);
  const [listed = ""] = services.split(/^\S/m);
  return listed
    .split(/^(?= {2}[a-z-]+:$)/m)
    .filter((text) => /^ {2}[a-z-]+:$/m.test(text) && !/restart: "no"|gpu-worker/.test(text))
    .flatMap((text) => firstGroups(text.matchAll(/^ {2}([a-z-]+):$/gm)).slice(0, 1));
}

/** Names in capitals that are given to a container. */
export function environmentNames(compose: string): string[] {
  return [...new Set(firstGroups(compose.matchAll(/^ +([A-Z][A-Z0-9_]+):/gm)))];
}

/**
 * For a program that takes "completed successfully" for "must be running", as podman 4 does: the topology is run before the rest,
 * and nobody waits for it. The copy lies elsewhere, so its folder is named in full.
 */
export function withoutWaiting(compose: string, root: string): string {
  return compose
    .replaceAll(/^ +depends_on:\n +topology: .*\n/gm, "")
    .replaceAll(/^( +depends_on:\n +nats: ).*$/gm, "$1{ condition: service_started }")
    .replaceAll("- ./nats/conf:", `- ${root.replace(/\/$/, "")}/nats/conf:`);
}

function firstGroups(matches: Iterable<RegExpExecArray>): string[] {
  return [...matches].map(([, group = ""]) => group);
}

function only(matches: Iterable<RegExpExecArray>, what: string): string {
  const [found, ...more] = new Set(firstGroups(matches));
  if (found === undefined || more.length > 0) throw new Error(`${what} is not there once`);
  return found;
}
