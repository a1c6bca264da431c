/**
 * The configurations in `conf/`, for nats-servers that Parlance does not run itself: passwords come from the server's environment.
 * They are written by `node nats/src/templates.ts`, and a test keeps them equal to what this file renders.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Account, accountsOf } from "./accounts.ts";
import { renderConfig, type ServerConfig } from "./config.ts";
import { FromEnvironment } from "./from-environment.ts";

export const templateFolder = fileURLToPath(new URL("../conf/", import.meta.url));

/** `NATS_TRANSCRIBE_WORKER_PASSWORD` for `transcribe-worker`. */
export function passwordVariable(user: string): string {
  return `NATS_${user.toUpperCase().replaceAll("-", "_")}_PASSWORD`;
}

function accountsFromEnvironment(): Account[] {
  return accountsOf((user) => new FromEnvironment(passwordVariable(user)));
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

/** File name, what it is for, and what it says. */
export const templates: readonly { file: string; title: string; config: ServerConfig }[] = [
  {
    file: "compose.conf",
    title: "One node inside a private network, for compose.yaml: a user per service, passwords from the environment.",
    config: {
      ...anywhere,
      serverName: "parlance",
      syncAlways: true,
      accounts: accountsFromEnvironment(),
    },
  },
  {
    file: "secured.conf",
    title: "One node that others reach: TLS, and a user per service.",
    config: { ...anywhere, serverName: "parlance", syncAlways: true, tls, accounts: accountsFromEnvironment() },
  },
  {
    file: "cluster.conf",
    title: `Three nodes (${nodes.join(", ")}), the same file on each with its NATS_SERVER_NAME; set NATS_REPLICAS=3 and LEASE_TTL=20 or more. Replicas keep a message through a power cut, so no flush before each acknowledgement.`,
    config: {
      ...anywhere,
      serverName: new FromEnvironment("NATS_SERVER_NAME"),
      syncAlways: false,
      tls,
      accounts: accountsFromEnvironment(),
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

export function renderTemplate({ title, config }: { title: string; config: ServerConfig }): string {
  return `# ${title}\n# Rendered by nats/src/templates.ts; change it there. A password in the environment must begin with a letter.\n\n${renderConfig(config)}`;
}

if (import.meta.main) {
  mkdirSync(templateFolder, { recursive: true });
  for (const template of templates) writeFileSync(`${templateFolder}${template.file}`, renderTemplate(template));
}
