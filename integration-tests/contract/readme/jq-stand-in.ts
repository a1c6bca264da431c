/** A stand-in for `jq`, where that is not at hand: `jq -r .path.to[0].a.text`, which is all that README.md uses of it. */
import { json } from "node:stream/consumers";

const [flag, path = "", ...more] = process.argv.slice(2);
if (flag !== "-r" || more.length > 0 || !/^(\.\w+|\[\d+\])+$/.test(path)) throw new Error("only jq -r .path is known");
let found: unknown = await json(process.stdin);
for (const [, name = "", index] of path.matchAll(/\.(\w+)|\[(\d+)\]/g)) {
  found = found === null || typeof found !== "object" ? null : Reflect.get(found, index ?? name);
}
console.log(typeof found === "string" ? found : JSON.stringify(found ?? null));
