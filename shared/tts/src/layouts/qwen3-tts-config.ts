/** What the config.json of a published folder says of its checkpoint: in the official package's words, or in those of two exporters. */
import { SpeechError } from "@parlance/contracts";
import * as z from "zod";

const size = z.number().int().positive();
const token = z.number().int().nonnegative();
/** A speaker is one token, which some write as a list. */
const speakerIds = z.record(z.string(), z.union([token, z.array(token).min(1)]));
const dialects = z.record(z.string(), z.union([z.boolean(), z.string()]));
const languages = z.record(z.string(), token);
const codecTokens = {
  ...{ codec_pad_id: token, codec_bos_id: token, codec_eos_token_id: token },
  ...{ codec_think_id: token, codec_nothink_id: token, codec_think_bos_id: token, codec_think_eos_id: token },
};
const textTokens = { tts_pad_token_id: token, tts_bos_token_id: token, tts_eos_token_id: token };
const kind = z.enum(["custom_voice", "voice_design", "base"]);

const officialPredictor = z.looseObject({
  ...{ num_hidden_layers: size, num_key_value_heads: size, head_dim: size.default(128), vocab_size: size },
});
const officialTalker = z.looseObject({
  ...codecTokens,
  ...{ hidden_size: size, num_hidden_layers: size, num_key_value_heads: size, head_dim: size.default(128) },
  ...{ vocab_size: size, num_code_groups: size, code_predictor_config: officialPredictor },
  ...{ codec_language_id: languages, spk_id: speakerIds.default({}), spk_is_dialect: dialects.default({}) },
});
/** As the checkpoint itself has it. */
const officialSchema = z.looseObject({ ...textTokens, tts_model_type: kind, talker_config: officialTalker });

/** With parts by themselves, and without the kind. */
const partedSchema = z.looseObject({
  talker: z.looseObject({
    ...codecTokens,
    ...{ hidden_size: size, num_hidden_layers: size, num_key_value_heads: size, head_dim: size.default(128) },
    ...{ vocab_size: size, num_code_groups: size },
  }),
  code_predictor: officialPredictor,
  tts: z.looseObject(textTokens),
  ...{ language_ids: languages, speaker_dialect: dialects.default({}) },
});

/** All beside each other. */
const flatSchema = z.looseObject({
  ...{ ...textTokens, ...codecTokens, tts_model_type: kind },
  ...{ talker_hidden_size: size, talker_num_layers: size, talker_num_kv_heads: size, talker_head_dim: size },
  ...{ talker_vocab_size: size, talker_num_code_groups: size },
  ...{ cp_num_layers: size, cp_num_kv_heads: size, cp_head_dim: size, cp_vocab_size: size },
  ...{ codec_language_id: languages, spk_id: speakerIds.nullish(), spk_is_dialect: dialects.nullish() },
});

export interface CheckpointFacts {
  kind: z.infer<typeof kind>;
  /** By English name. */
  languageTokens: Record<string, number>;
  speakers: Record<string, { token: number; dialect?: string }>;
  /** 1.7B, and not 0.6B. */
  isLarge: boolean;
  /** Keys and values of the code predictor. */
  predictor: { layers: number; heads: number; size: number };
  /** Of the architecture's section in the manifest. */
  section: Readonly<Record<string, unknown>>;
}

const LARGE_HIDDEN = 2_048;

/**
 * Throws a SpeechError when the config is none of those.
 *
 * @param speakers of a file beside it
 * @param imitates whether there is a speaker encoder: it tells the kind where the config does not
 */
export function readCheckpoint(
  config: unknown,
  speakers?: Readonly<Record<string, number>>,
  imitates = false,
): CheckpointFacts {
  const official = officialSchema.safeParse(config);
  if (official.success) {
    const { talker_config: talker, tts_model_type: type, ...texts } = official.data;
    const { code_predictor_config: predictor, codec_language_id, spk_id, spk_is_dialect } = talker;
    return factsOf(type, talker, predictor, texts, codec_language_id, speakers ?? speakerIdsOf(spk_id), spk_is_dialect);
  }
  const parted = partedSchema.safeParse(config);
  if (parted.success) {
    const { talker, code_predictor: predictor, tts, language_ids, speaker_dialect } = parted.data;
    const own = speakers ?? {};
    const type = Object.keys(own).length > 0 ? "custom_voice" : imitates ? "base" : "voice_design";
    return factsOf(type, talker, predictor, tts, language_ids, own, speaker_dialect);
  }
  const flat = flatSchema.safeParse(config);
  if (flat.success) {
    const { data } = flat;
    const talker = {
      ...data,
      ...{ hidden_size: data.talker_hidden_size, num_hidden_layers: data.talker_num_layers },
      ...{ num_key_value_heads: data.talker_num_kv_heads, head_dim: data.talker_head_dim },
      ...{ vocab_size: data.talker_vocab_size, num_code_groups: data.talker_num_code_groups },
    };
    const predictor = {
      ...{ num_hidden_layers: data.cp_num_layers, num_key_value_heads: data.cp_num_kv_heads },
      ...{ head_dim: data.cp_head_dim, vocab_size: data.cp_vocab_size },
    };
    const own = speakers ?? speakerIdsOf(data.spk_id ?? {});
    return factsOf(
      data.tts_model_type,
      talker,
      predictor,
      data,
      data.codec_language_id,
      own,
      data.spk_is_dialect ?? {},
    );
  }
  throw new SpeechError("validation_failed", "config.json is not of a Qwen3-TTS checkpoint", {
    ...{ param: "TTS_MODEL_ID", cause: official.error },
  });
}

/** Throws a SpeechError when these are not speakers and their tokens. */
export function speakerIdsOf(json: unknown): Record<string, number> {
  const parsed = speakerIds.safeParse(json);
  if (!parsed.success) {
    throw new SpeechError("validation_failed", "speaker_ids.json does not hold speakers and their tokens", {
      ...{ param: "TTS_MODEL_ID", cause: parsed.error },
    });
  }
  return Object.fromEntries(
    Object.entries(parsed.data).flatMap(([name, id]) => {
      const [first] = [id].flat();
      return first === undefined ? [] : [[name.toLowerCase(), first]];
    }),
  );
}

type Talker = Pick<
  z.infer<typeof officialTalker>,
  | keyof typeof codecTokens
  | "hidden_size"
  | "num_hidden_layers"
  | "num_key_value_heads"
  | "head_dim"
  | "vocab_size"
  | "num_code_groups"
>;
type Predictor = Pick<
  z.infer<typeof officialPredictor>,
  "num_hidden_layers" | "num_key_value_heads" | "head_dim" | "vocab_size"
>;

function factsOf(
  type: CheckpointFacts["kind"],
  talker: Talker,
  predictor: Predictor,
  texts: Readonly<Record<keyof typeof textTokens, number>>,
  languageIds: Readonly<Record<string, number>>,
  speakerTokens: Readonly<Record<string, number>>,
  dialectOf: Readonly<Record<string, boolean | string>>,
): CheckpointFacts {
  const isDialect = (name: string) => name.endsWith("_dialect");
  const named = Object.entries(languageIds);
  const languageTokens = Object.fromEntries(
    named.flatMap(([name, id]) => (isDialect(name) ? [] : [[name.slice(0, 1).toUpperCase() + name.slice(1), id]])),
  );
  const spoken = type === "custom_voice" ? speakerTokens : {};
  const speakers = Object.fromEntries(
    Object.entries(spoken).map(([name, id]) => {
      const dialect = dialectOf[name];
      return [name, typeof dialect === "string" ? { token: id, dialect } : { token: id }];
    }),
  );
  return {
    ...{ kind: type, languageTokens, speakers, isLarge: talker.hidden_size >= LARGE_HIDDEN },
    predictor: {
      layers: predictor.num_hidden_layers,
      heads: predictor.num_key_value_heads,
      size: predictor.head_dim,
    },
    section: {
      ...{ kind: type, hidden: talker.hidden_size, layers: talker.num_hidden_layers },
      ...{ keyValueHeads: talker.num_key_value_heads, headSize: talker.head_dim },
      ...{ codes: talker.vocab_size, codebooks: talker.num_code_groups, codebookSize: predictor.vocab_size },
      textTokens: { ttsPad: texts.tts_pad_token_id, ttsBos: texts.tts_bos_token_id, ttsEos: texts.tts_eos_token_id },
      codecTokens: {
        ...{ pad: talker.codec_pad_id, bos: talker.codec_bos_id, end: talker.codec_eos_token_id },
        ...{ think: talker.codec_think_id, noThink: talker.codec_nothink_id },
        ...{ thinkBos: talker.codec_think_bos_id, thinkEnd: talker.codec_think_eos_id },
      },
      ...{ languageTokens, speakers },
      dialectTokens: Object.fromEntries(named.filter(([name]) => isDialect(name))),
    },
  };
}

const samplingSchema = z.looseObject({
  ...{ do_sample: z.boolean().default(true), subtalker_dosample: z.boolean().default(true) },
  ...{ temperature: z.number().nonnegative().optional(), top_k: z.number().int().nonnegative().optional() },
  ...{ top_p: z.number().positive().max(1).optional(), repetition_penalty: z.number().positive().optional() },
  subtalker_temperature: z.number().nonnegative().optional(),
  subtalker_top_k: z.number().int().nonnegative().optional(),
});

/** What a checkpoint's generation_config.json says of how codes are drawn, in the words of the manifest. Nothing where it says nothing. */
export function samplingOf(json: unknown): Record<string, number | undefined> {
  const parsed = samplingSchema.safeParse(json);
  if (!parsed.success) return {};
  const { data } = parsed;
  return {
    ...{ temperature: data.do_sample ? data.temperature : 0, topK: data.top_k, topP: data.top_p },
    repetitionPenalty: data.repetition_penalty,
    predictorTemperature: data.subtalker_dosample ? data.subtalker_temperature : 0,
    predictorTopK: data.subtalker_top_k,
  };
}
