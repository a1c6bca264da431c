/** Words by words. A table knows its own entries alone: in a plain object a text's "constructor" would find what every object has. */
export function table<Value>(entries: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.assign(Object.create(null), entries);
}
