/** Words that `normalise` writes or people type and that dictionaries leave out. */
import { table } from "../table.ts";
import type { Pronunciations } from "./pronunciations.ts";

const words = table<string>({
  quadrillion: "k w aa0 d r ih1 l y ah0 n",
  miz: "m ih1 z",
  missus: "m ih1 s ih0 z",
  kilohm: "k ih1 l ow0 m",
  wazz: "w aa1 z",
  hippa: "hh ih1 p ah0",
  kibibyte: "k ih1 b ih0 b ay1 t",
  mebibyte: "m eh1 b ih0 b ay1 t",
  gibibyte: "g ih1 b ih0 b ay1 t",
  tebibyte: "t eh1 b ih0 b ay1 t",
  codec: "k ow1 d eh0 k",
  config: "k ah0 n f ih1 g",
  git: "g ih1 t",
  init: "ih0 n ih1 t",
  json: "jh ey1 s ah0 n",
  readme: "r iy1 d m iy0",
  async: "ey1 s ih0 ng k",
  regex: "r eh1 jh eh0 k s",
  vlog: "v l aa1 g",
  twas: "t w ah1 z",
  nth: "eh1 n th",
  n: "ah0 n",
  hm: "hh ah1 m",
  hmm: "hh ah1 m",
  mm: "m ah1 m",
  mhm: "ah0 m hh ah1 m",
  shh: "sh ah1 sh",
  psst: "p s ih1 t",
  pst: "p s ih1 t",
  brr: "b er1",
  grr: "g er1",
  tsk: "t ih1 s k",
  pfft: "f ih1 t",
  zzz: "z ih1 z",
});

/** A lexicon with those words added where it has none of its own. */
export function supplemented(lexicon: Pronunciations): Pronunciations {
  const own = (word: string) => (Object.hasOwn(words, word) ? words[word] : undefined);
  return {
    find(word) {
      const listed = lexicon.find(word);
      const added = own(word);
      return listed.length > 0 || added === undefined ? listed : [added.split(" ")];
    },
    has: (word) => lexicon.has(word) || own(word) !== undefined,
  };
}
