/** Which families somebody means who changes what is loaded: what the workers have on their disks says it. Pure. */
import { familyByName } from "@parlance/catalogue";
import { type Family, familySchema, type ModelList, SpeechError } from "@parlance/contracts";

export type FamilyList = ModelList & { family: Family };

/**
 * All that answer, to unload; else one. A name that no worker has is that of the family which the catalogue knows it for, or speech
 * recognition's, where workers of it answer: they know a hub, and say themselves what they can have. Throws a SpeechError that says what there is where a name
 * means models of both families, where nobody could know it, or where there is none and both families answer.
 *
 * @param lists of at least one worker
 */
export function familiesMeant(
  verb: "load" | "reload" | "unload",
  model: string | undefined,
  lists: readonly FamilyList[],
): readonly Family[] {
  const answering = [...new Set(lists.map(({ family }) => family))];
  if (verb === "unload" || (model === undefined && answering.length === 1)) return answering;
  if (model === undefined) {
    throw refusal(`say which model, or --family ${answering.join(" or ")}: there are ${namesIn(lists)}`);
  }
  const having = [...new Set(lists.filter((list) => has(list, model)).map(({ family }) => family))];
  if (having.length > 1) throw refusal(`${model} is a model of ${having.join(" and of ")}: say which with --family`);
  if (having.length === 1) return having;
  const { asr } = familySchema.enum;
  const known = familyByName(model) ?? asr;
  if (answering.includes(known)) return [known];
  throw new SpeechError(
    "model_not_found",
    `model: ${JSON.stringify(model)} is not on this machine (${namesIn(lists)})`,
    {
      param: "model",
    },
  );
}

function has({ selected, models }: FamilyList, model: string): boolean {
  return selected === model || models.some(({ id, folder }) => id === model || folder === model);
}

function namesIn(lists: readonly FamilyList[]): string {
  return [...new Set(lists.flatMap(({ models }) => models.map(({ id }) => id)))].join(", ");
}

function refusal(message: string): SpeechError {
  return new SpeechError("validation_failed", message, { param: "model" });
}
