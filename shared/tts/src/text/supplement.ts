/** Words that `normalise` writes or people type and that dictionaries leave out. */
const words: Readonly<Record<string, string>> = {
  quadrillion: "k w aa0 d r ih1 l y ah0 n",
  miz: "m ih1 z",
  missus: "m ih1 s ih0 z",
  kilohm: "k ih1 l ow0 m",
  wazz: "w aa1 z",
  hippa: "hh ih1 p ah0",
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
};

export function supplement(word: string): string[] | undefined {
  return Object.hasOwn(words, word) ? words[word]?.split(" ") : undefined;
}
