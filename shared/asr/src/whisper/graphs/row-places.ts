/**
 * Which row stands at which place of arrays whose beginning is what runs read. A row that leaves leaves a hole, which the next
 * row that comes takes, or else, before the next run, the last row.
 */

export interface RowPlaces {
  /** Places in use, holes included. */
  readonly count: number;
  at(place: number): number | undefined;
  of(row: number): number | undefined;
  /** A place for a row that has none; the last row's next one when there is no hole. */
  take(row: number): number;
  leave(row: number): void;
  /** Fills all holes: tells who went where. */
  close(move: (from: number, to: number) => void): void;
}

export function createRowPlaces(): RowPlaces {
  const rows: (number | undefined)[] = [];
  const places = new Map<number, number>();

  function put(row: number, place: number): number {
    rows[place] = row;
    places.set(row, place);
    return place;
  }

  function trim(): void {
    while (rows.length > 0 && rows.at(-1) === undefined) rows.pop();
  }

  return {
    get count() {
      return rows.length;
    },
    at: (place) => rows[place],
    of: (row) => places.get(row),
    take(row) {
      const hole = rows.indexOf(undefined);
      return places.get(row) ?? put(row, hole < 0 ? rows.length : hole);
    },
    leave(row) {
      const place = places.get(row);
      if (place === undefined) return;
      places.delete(row);
      rows[place] = undefined;
      trim();
    },
    close(move) {
      for (let hole = rows.indexOf(undefined); hole >= 0; hole = rows.indexOf(undefined)) {
        const last = rows.pop();
        if (last === undefined) throw new RangeError("the last place is never a hole");
        move(rows.length, hole);
        put(last, hole);
        trim();
      }
    },
  };
}

/** Places in stretches that lie side by side, in order. */
export function stretches(places: readonly number[]): { from: number; count: number }[] {
  const found: { from: number; count: number }[] = [];
  for (const place of places.toSorted((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && last.from + last.count === place) last.count++;
    else found.push({ from: place, count: 1 });
  }
  return found;
}
