/** The two ends of a bench that runs engines side by side: what the recipe makes for them, and what is told of them all. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Has models/recipes/`bench` make the models below .parlance, and answers that folder. Ends the process where it cannot. */
export function makeModels(bench: string, models: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  const folder = fileURLToPath(new URL(`../../../.parlance/${bench}`, import.meta.url));
  const make = fileURLToPath(new URL(`../../../models/recipes/${bench}/make`, import.meta.url));
  const env = { ...process.env, ...environment };
  const { status } = spawnSync(make, [folder, ...models], { stdio: "inherit", env });
  if (status !== 0) process.exit(status ?? 1);
  return folder;
}

/** All figures are the last line. The process will end with 1 where something failed, or a claim does not hold. */
export function tellEngines(engines: readonly object[], failures: readonly string[], broken: readonly string[]): void {
  for (const sentence of [...failures, ...broken]) console.error(sentence);
  if (failures.length + broken.length > 0) process.exitCode = 1;
  console.log(JSON.stringify({ engines }));
}
