/** The full check of the tenure, as a program: `npm run check:tenure`. Its last line is JSON. */
import { fullScenarios } from "./scenarios.ts";
import { explore, properties } from "./tenure-checker.ts";

let states = 0;
const violations: string[] = [];
for (const [name, scenario] of Object.entries(fullScenarios)) {
  const began = performance.now();
  const found = explore(scenario);
  states += found.worlds;
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  process.stdout.write(`${found.worlds} states, ${found.depth} steps deep, ${seconds} s: ${name}\n`);
  for (const { what, path } of found.violations) {
    violations.push(`${name}: ${what}`);
    process.stdout.write(`  ${what}\n    ${path.join("\n    ")}\n`);
  }
}
process.stdout.write(`${JSON.stringify({ states, properties, violations })}\n`);
process.exitCode = violations.length === 0 ? 0 : 1;
