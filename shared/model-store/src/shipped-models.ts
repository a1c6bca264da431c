import { fileURLToPath } from "node:url";

/** The folder of the models that ship with the repository. */
export const shippedModels = fileURLToPath(new URL("../../../models", import.meta.url));
