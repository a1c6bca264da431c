/** Whether a caller's name for a model means this one. */
import { findInCatalogue } from "./hub-models.ts";

/** By its whole name or the last part of it (a hub id's, a folder's), in any case, or by another that the catalogue knows it by. */
export function goesBy(name: string, model: string): boolean {
  const [asked, own] = [name.toLowerCase(), model.toLowerCase()];
  if (asked === "") return false;
  if (asked === own || asked === own.split(/[/\\]/).at(-1)) return true;
  const known = findInCatalogue(name);
  return known !== undefined && known.id === findInCatalogue(model)?.id;
}
