/** Does `one` for each of `count`, so many at a time, in order of their beginning. Throws when one does. */
export async function inFlight(count: number, places: number, one: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(places, count) }, async () => {
      for (let index = next++; index < count; index = next++) await one(index);
    }),
  );
}
