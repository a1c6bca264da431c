/**
 * Suites go through lists that say much the same many times over. `npm test` takes some of each, spread over the list;
 * `npm run test:thorough` (THOROUGH=true) all of it, and the suites that are named `thorough` besides.
 */
export const thorough = process.env.THOROUGH === "true";

/** Every so many of the list, from its first on; all of it in a thorough run. */
export function someOf<Value>(values: readonly Value[], every: number): Value[] {
  return thorough ? [...values] : values.filter((_, index) => index % every === 0);
}

/** The list in a thorough run alone. */
export function thoroughly<Value>(values: readonly Value[]): readonly Value[] {
  return thorough ? values : [];
}
