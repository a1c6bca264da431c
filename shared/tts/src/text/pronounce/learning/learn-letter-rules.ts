/**
 * `node src/text/pronounce/learning/learn-letter-rules.ts <lexicon.txt.gz>` in shared/tts: learns letter-rules-data.ts anew from a lexicon with stress, without the
 * words that are held out, and prints how well the rules say those. The same lexicon gives the same file. About a minute.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parseLetterRules, soundOut, writeLetterRules } from "../letter-rules.ts";
import { isHeldOut, learnLetterRules, readEntries } from "./learn.ts";
import { score } from "./score.ts";

const [lexicon] = process.argv.slice(2);
if (lexicon === undefined) throw new Error("which lexicon? learn-letter-rules.ts <lexicon.txt.gz>");
const entries = readEntries(gunzipSync(readFileSync(lexicon)).toString());
const learned = learnLetterRules(
  entries.filter(({ word }) => !isHeldOut(word)),
  { leastSamples: 3 },
);
const source = writeLetterRules(learned);
writeFileSync(
  new URL("../letter-rules-data.ts", import.meta.url),
  `/** Made by learning/learn-letter-rules.ts; see letter-rules.ts for the form. */\nexport const letterRulesSource =\n  ${JSON.stringify(source)};\n`,
);
const rules = parseLetterRules(source);
const heldOut = entries.filter(({ word }) => isHeldOut(word));
console.log(score(heldOut.map(({ word, phones }) => ({ phones, said: soundOut(word, rules) }))));
