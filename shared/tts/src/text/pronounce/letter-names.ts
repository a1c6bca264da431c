import { table } from "../table.ts";

/** The names of the letters, in phones. */
const names = table<string>({
  a: "ey1",
  b: "b iy1",
  c: "s iy1",
  d: "d iy1",
  e: "iy1",
  f: "eh1 f",
  g: "jh iy1",
  h: "ey1 ch",
  i: "ay1",
  j: "jh ey1",
  k: "k ey1",
  l: "eh1 l",
  m: "eh1 m",
  n: "eh1 n",
  o: "ow1",
  p: "p iy1",
  q: "k y uw1",
  r: "aa1 r",
  s: "eh1 s",
  t: "t iy1",
  u: "y uw1",
  v: "v iy1",
  w: "d ah1 b ah0 l y uw0",
  x: "eh1 k s",
  y: "w ay1",
  z: "z iy1",
});

export function letterName(letter: string): string[] {
  return names[letter.toLowerCase()]?.split(" ") ?? [];
}
