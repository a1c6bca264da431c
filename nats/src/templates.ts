/**
 * The configurations in `conf/`, for nats-servers that Parlance does not run itself: hashes of passwords come from the server's
 * environment. They are written by `node nats/src/templates.ts`, and a test keeps them equal to what this file renders. With
 * PUBLISHERS and a folder (`PUBLISHERS=my-app node nats/src/templates.ts my-conf`) they are written there, with these publishers.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSettings } from "@parlance/contracts";
import { accountsOf } from "./accounts/accounts.ts";
import { renderConfig, type ServerConfig } from "./config/config.ts";
import { FromEnvironment } from "./from-environment.ts";

export const templateFolder = fileURLToPath(new URL("../conf/", import.meta.url));

/** `NATS_TRANSCRIBE_WORKER_HASH` for `transcribe-worker`: the environment of the server has hashes, `passwords.ts` makes them. */
export function hashVariable(user: string): string {
  return `NATS_${user.toUpperCase().replaceAll("-", "_")}_HASH`;
}

const anywhere: Pick<ServerConfig, "host" | "port" | "storeDir" | "monitorPort"> = {
  host: "0.0.0.0",
  port: 4222,
  storeDir: "/data",
  monitorPort: 8222,
};
const tls = { certFile: "/etc/nats/tls/cert.pem", keyFile: "/etc/nats/tls/key.pem", caFile: "/etc/nats/tls/ca.pem" };
const nodes = ["nats-1", "nats-2", "nats-3"];
const CLUSTER_PORT = 6222;

export interface Template {
  /** Its name in the folder. */
  file: string;
  /** What it is for. */
  title: string;
  config: ServerConfig;
}

/** `publishers`: names of those that have an account of their own. */
export function templatesFor(publishers: readonly string[]): Template[] {
  const accounts = accountsOf((user) => new FromEnvironment(hashVariable(user)), { publishers });
  return [
    {
      file: "compose.conf",
      title: "One node inside a private network, for compose.yaml: a user per service.",
      config: { ...anywhere, serverName: "parlance", syncAlways: true, accounts },
    },
    {
      file: "secured.conf",
      title: "One node that others reach: TLS, and a user per service.",
      config: { ...anywhere, serverName: "parlance", syncAlways: true, tls, accounts },
    },
    {
      file: "cluster.conf",
      title: `Three nodes (${nodes.join(", ")}), the same file on each with its NATS_SERVER_NAME; set NATS_REPLICAS=3 and LEASE_TTL=20 or more. Replicas keep a message through a power cut, so no flush before each acknowledgement.`,
      config: {
        ...anywhere,
        serverName: new FromEnvironment("NATS_SERVER_NAME"),
        syncAlways: false,
        tls,
        accounts,
        cluster: {
          name: "parlance",
          host: "0.0.0.0",
          port: CLUSTER_PORT,
          tls,
          routes: nodes.map((node) => `nats-route://${node}:${CLUSTER_PORT}`),
        },
      },
    },
  ];
}

export function renderTemplate({ title, config }: Template): string {
  return `# ${title}\n# Rendered by nats/src/templates.ts; change it there. Hashes of passwords come from the environment: nats/src/passwords.ts prints them.\n\n${renderConfig(config)}`;
}

if (import.meta.main) {
  const { PUBLISHERS } = readSettings(["PUBLISHERS"], process.env);
  const folder = process.argv[2] ?? templateFolder;
  mkdirSync(folder, { recursive: true });
  for (const template of templatesFor(PUBLISHERS)) writeFileSync(join(folder, template.file), renderTemplate(template));
}
