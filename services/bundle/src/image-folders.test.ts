import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { namedPackages } from "./image-folders.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

it("a container gets the packages that its programs name, and no other", () => {
  const folder = mkdtempSync(join(tmpdir(), "parlance-image-"));
  try {
    const dist = join(folder, "services/ingest/dist");
    mkdirSync(dist, { recursive: true });
    writeFileSync(join(dist, "main.js"), 'await import("./late.js"); // not onnxruntime-node\n');
    writeFileSync(join(dist, "late.js"), 'await import("mediabunny"); await import("@audio/decode-opus/core");\n');
    expect(namedPackages(root, folder).sort()).toEqual(["@audio/decode-opus", "mediabunny"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
