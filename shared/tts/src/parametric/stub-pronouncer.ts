import { gunzipSync } from "node:zlib";
export interface Pronounced {
  token: string;
  phones: string[];
  origin: string;
}
const letters: Record<string, string> = {
  A: "ey1",
  B: "b iy1",
  C: "s iy1",
  D: "d iy1",
  E: "iy1",
  F: "eh1 f",
  G: "jh iy1",
  H: "ey1 ch",
  I: "ay1",
  J: "jh ey1",
  K: "k ey1",
  L: "eh1 l",
  M: "eh1 m",
  N: "eh1 n",
  O: "ow1",
  P: "p iy1",
  Q: "k y uw1",
  R: "aa1 r",
  S: "eh1 s",
  T: "t iy1",
  U: "y uw1",
  V: "v iy1",
  W: "d ah1 b ah0 l y uw0",
  X: "eh1 k s",
  Y: "w ay1",
  Z: "z iy1",
};
export function readPronunciations(bytes: Uint8Array): Map<string, string[]> {
  const map = new Map<string, string[]>();
  for (const line of gunzipSync(bytes).toString().split("\n")) {
    const [w = "", ...p] = line.split(" ");
    if (!map.has(w)) map.set(w, p);
  }
  return map;
}
export function createPronouncer({ pronunciations }: { pronunciations: Map<string, string[]> }) {
  const one = (token: string): string[] => {
    if (/^[,.?!]$/.test(token)) return [];
    if (/^[A-Z]$/.test(token)) return (letters[token] ?? "").split(" ");
    const found = pronunciations.get(token);
    if (found) return found;
    if (token.endsWith("'s")) return [...one(token.slice(0, -2)), "z"];
    return [...token.toUpperCase()].flatMap((l) => (letters[l] ?? "ah0").split(" "));
  };
  return {
    pronounce: (text: string): Pronounced[] =>
      text
        .split(" ")
        .filter(Boolean)
        .map((token) => ({ token, phones: one(token), origin: "lexicon" })),
  };
}
