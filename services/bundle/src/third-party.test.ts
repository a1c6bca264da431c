import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { buildPrograms } from "./build-programs.ts";
import { readPackage } from "./kept-packages.ts";
import { programOptions } from "./program-options.ts";
import { licencesOfServices } from "./third-party.ts";

const root = join(import.meta.dirname, "../../..");
const MAIN = "services/gateway/src/main.ts";

it("whatever became part of a service is named with its licence, and nothing that a plugin wrote is taken for a file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parlance-licences-"));
  try {
    await build({
      ...programOptions,
      absWorkingDir: root,
      entryPoints: [MAIN],
      outdir: join(folder, "services/gateway/dist"),
    });
    const services = licencesOfServices(folder);
    const names = services.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["koa", "koa-body", "zod", "prom-client", "@nats-io/jetstream"]));
    for (const { name, licence } of services) expect(licence, name).not.toBe("unknown");

    const inside = await buildPrograms(root, folder, [{ entry: MAIN, out: "program" }]);
    expect([...inside].map((path) => readPackage(path).name)).toEqual(expect.arrayContaining(names));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
