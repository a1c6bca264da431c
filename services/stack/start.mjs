/** `npm start`, with compiled sources kept on disk: without them Node strips the types anew, which costs time and 20 MB. */
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

enableCompileCache(fileURLToPath(new URL("../../.parlance/compile-cache", import.meta.url)));
await import("./src/main.ts");
