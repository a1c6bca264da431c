/** Words that are spelled alike and said in two ways: the words around them tell which. */
import { table } from "../table.ts";

export interface Context {
  /** Tokens before and after, nearest first; "" beyond the ends. */
  before: readonly string[];
  after: readonly string[];
}

const set = (words: string) => new Set(words.split(" "));

const determiners = set(
  "a an the this that these those my your his her its our their whose no some any each every another one",
);
const toVerb = set(
  "to will would can could shall should may might must do does did don't doesn't didn't won't can't couldn't wouldn't shouldn't let's not never please cannot gonna",
);
const subjects = set("i you we they who people he she it");
const have = set(
  "have has had having i've you've we've they've he's she's it's haven't hasn't hadn't be been was were is are get got being",
);
const adverbs = set("always often never also really just still ever already usually sometimes only even");
const past = set("yesterday ago last had was were then once before");

/** The word before, over adverbs. */
function lead(context: Context): string {
  return context.before.find((word) => !adverbs.has(word)) ?? "";
}

const afterTo = (context: Context) => toVerb.has(lead(context));
const afterSubject = (context: Context) => subjects.has(lead(context));
const afterHave = (context: Context) => have.has(lead(context));
/** A determiner within two words, with no verb's sign between. */
const isNoun = (context: Context) => {
  const [first = "", second = ""] = context.before;
  if (toVerb.has(first) || subjects.has(first)) return false;
  return (
    determiners.has(first) ||
    /^(?:of|in|on|for|with|by|at|from|new|old|good|bad|great|first|own)$/.test(first) ||
    (determiners.has(second) && first !== "to")
  );
};
const isVerb = (context: Context) =>
  afterTo(context) || afterSubject(context) || (context.before.length === 0 && determiners.has(context.after[0] ?? ""));
const inPast = (context: Context) => [...context.before, ...context.after].some((word) => past.has(word));

type Reading = (context: Context) => string;

/** Stress tells noun from verb: RE-cord, re-CORD. */
const stressed =
  (noun: string, verb: string): Reading =>
  (context) =>
    isVerb(context) ? verb : noun;

const readings = table<Reading>({
  read: (context) =>
    afterTo(context) || (afterSubject(context) && !inPast(context) && !/^(?:he|she|it)$/.test(lead(context)))
      ? "r iy1 d"
      : afterHave(context) || inPast(context) || /^(?:he|she|it)$/.test(lead(context))
        ? "r eh1 d"
        : "r iy1 d",
  lead: (context) =>
    /^(?:pipe|pipes|poisoning|paint|acid|bullet|bullets|pencil|free)$/.test(context.after[0] ?? "") ||
    /^(?:of|contains|containing|melted|molten)$/.test(context.before[0] ?? "")
      ? "l eh1 d"
      : "l iy1 d",
  live: (context) =>
    /^(?:a|the|this|go|goes|went|going|watch|broadcast|streamed|streaming)$/.test(context.before[0] ?? "") ||
    /^(?:music|show|shows|broadcast|stream|streaming|concert|concerts|wire|wires|performance|audience|tv|television|coverage|event|events|band|version|album)$/.test(
      context.after[0] ?? "",
    )
      ? "l ay1 v"
      : "l ih1 v",
  lives: (context) =>
    isNoun(context) || /^(?:million|many|people's|saved|lost|save)$/.test(context.before[0] ?? "")
      ? "l ay1 v z"
      : "l ih1 v z",
  use: (context) => (isNoun(context) && !isVerb(context) ? "y uw1 s" : "y uw1 z"),
  uses: (context) => (isNoun(context) && !isVerb(context) ? "y uw1 s ih0 z" : "y uw1 z ih0 z"),
  used: (context) =>
    context.after[0] === "to" && !/^(?:is|was|are|were|be|been|being)$/.test(lead(context)) ? "y uw1 s t" : "y uw1 z d",
  close: (context) =>
    afterTo(context) ||
    (determiners.has(context.after[0] ?? "") && !/^(?:so|very|too|is|was|are|were|how)$/.test(context.before[0] ?? ""))
      ? "k l ow1 z"
      : "k l ow1 s",
  wind: (context) => (afterTo(context) || /^(?:up|down)$/.test(context.after[0] ?? "") ? "w ay1 n d" : "w ih1 n d"),
  tear: (context) =>
    afterTo(context) || /^(?:apart|down|up|off|out|it|them)$/.test(context.after[0] ?? "") ? "t eh1 r" : "t ih1 r",
  tears: (context) => (/^(?:apart|down|up|off|it|the)$/.test(context.after[0] ?? "") ? "t eh1 r z" : "t ih1 r z"),
  wound: (context) =>
    /^(?:up|down|around|through|its|his|her|their)$/.test(context.after[0] ?? "") ? "w aw1 n d" : "w uw1 n d",
  bow: (context) =>
    /^(?:tie|ties|and)$/.test(context.after[0] ?? "") || /^(?:violin|cross|long)$/.test(context.before[0] ?? "")
      ? "b ow1"
      : "b aw1",
  bass: (context) => (/^(?:fishing|fish|boat)$/.test(context.after[0] ?? "") ? "b ae1 s" : "b ey1 s"),
  dove: (context) => (/^(?:into|in|down|under|deep|off)$/.test(context.after[0] ?? "") ? "d ow1 v" : "d ah1 v"),
  minute: (context) =>
    /^(?:details|detail|differences|amounts|amount|traces|particles|quantities)$/.test(context.after[0] ?? "")
      ? "m ay0 n uw1 t"
      : "m ih1 n ah0 t",
  sow: (context) => (determiners.has(context.before[0] ?? "") ? "s aw1" : "s ow1"),
  row: () => "r ow1",
  does: () => "d ah1 z",
  polish: () => "p aa1 l ih0 sh",
  desert: stressed("d eh1 z er0 t", "d ih0 z er1 t"),
  record: stressed("r eh1 k er0 d", "r ih0 k ao1 r d"),
  records: stressed("r eh1 k er0 d z", "r ih0 k ao1 r d z"),
  present: (context) => (isVerb(context) ? "p r ih0 z eh1 n t" : "p r eh1 z ah0 n t"),
  object: stressed("aa1 b jh eh0 k t", "ah0 b jh eh1 k t"),
  subject: stressed("s ah1 b jh ih0 k t", "s ah0 b jh eh1 k t"),
  project: stressed("p r aa1 jh eh0 k t", "p r ah0 jh eh1 k t"),
  produce: (context) => (isNoun(context) && !isVerb(context) ? "p r ow1 d uw0 s" : "p r ah0 d uw1 s"),
  permit: stressed("p er1 m ih0 t", "p er0 m ih1 t"),
  contract: stressed("k aa1 n t r ae0 k t", "k ah0 n t r ae1 k t"),
  contrast: stressed("k aa1 n t r ae0 s t", "k ah0 n t r ae1 s t"),
  conduct: (context) => (isNoun(context) && !isVerb(context) ? "k aa1 n d ah0 k t" : "k ah0 n d ah1 k t"),
  conflict: stressed("k aa1 n f l ih0 k t", "k ah0 n f l ih1 k t"),
  content: (context) =>
    /^(?:to|with)$/.test(context.after[0] ?? "") ||
    /^(?:be|am|is|was|are|were|feel|felt|not|quite)$/.test(context.before[0] ?? "")
      ? "k ah0 n t eh1 n t"
      : "k aa1 n t eh0 n t",
  convict: stressed("k aa1 n v ih0 k t", "k ah0 n v ih1 k t"),
  export: stressed("eh1 k s p ao0 r t", "ih0 k s p ao1 r t"),
  import: stressed("ih1 m p ao0 r t", "ih0 m p ao1 r t"),
  increase: stressed("ih1 n k r iy0 s", "ih0 n k r iy1 s"),
  decrease: stressed("d iy1 k r iy0 s", "d ih0 k r iy1 s"),
  insult: stressed("ih1 n s ah0 l t", "ih0 n s ah1 l t"),
  rebel: stressed("r eh1 b ah0 l", "r ih0 b eh1 l"),
  refuse: (context) => (isNoun(context) && !isVerb(context) ? "r eh1 f y uw0 s" : "r ih0 f y uw1 z"),
  suspect: stressed("s ah1 s p eh0 k t", "s ah0 s p eh1 k t"),
  upset: () => "ah0 p s eh1 t",
  perfect: stressed("p er1 f ih0 k t", "p er0 f eh1 k t"),
  excuse: (context) => (isNoun(context) && !isVerb(context) ? "ih0 k s k y uw1 s" : "ih0 k s k y uw1 z"),
  abuse: (context) => (isVerb(context) ? "ah0 b y uw1 z" : "ah0 b y uw1 s"),
  house: (context) => (afterTo(context) ? "hh aw1 z" : "hh aw1 s"),
  separate: (context) => (isVerb(context) ? "s eh1 p er0 ey1 t" : "s eh1 p r ah0 t"),
  estimate: (context) => (isVerb(context) ? "eh1 s t ah0 m ey1 t" : "eh1 s t ah0 m ah0 t"),
  graduate: (context) => (isVerb(context) ? "g r ae1 jh ah0 w ey1 t" : "g r ae1 jh ah0 w ah0 t"),
  alternate: (context) => (isVerb(context) ? "ao1 l t er0 n ey1 t" : "ao1 l t er0 n ah0 t"),
  moderate: (context) => (isVerb(context) ? "m aa1 d er0 ey1 t" : "m aa1 d er0 ah0 t"),
  duplicate: (context) => (isVerb(context) ? "d uw1 p l ah0 k ey1 t" : "d uw1 p l ah0 k ah0 t"),
  deliberate: (context) => (isVerb(context) ? "d ih0 l ih1 b er0 ey1 t" : "d ih0 l ih1 b er0 ah0 t"),
  advocate: (context) => (isVerb(context) ? "ae1 d v ah0 k ey1 t" : "ae1 d v ah0 k ah0 t"),
});

/** The phones of a heteronym where it stands; undefined for any other word. */
export function heteronym(word: string, context: Context): string[] | undefined {
  return Object.hasOwn(readings, word) ? readings[word]?.(context).split(" ") : undefined;
}
