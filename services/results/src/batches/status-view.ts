/** A status as JSON, of which its asker wants all items, some of them, or none. Pure. */
import type { BatchStatus, ItemStatus, StatusView } from "@parlance/contracts";

/** An item's part of a status, written already. */
export interface WrittenItem {
  state: ItemStatus["status"];
  json: string;
}

export type StatusHead = Omit<BatchStatus, "items" | "next_offset">;

export function writeStatus(
  head: StatusHead,
  items: readonly WrittenItem[],
  view: StatusView,
  told: { warnings?: string[] } = {},
): string {
  const begin = JSON.stringify(head).slice(0, -1);
  const { some, next } = viewed(items, view);
  const rest = JSON.stringify({ ...(next === undefined ? {} : { next_offset: next }), ...told }).slice(1, -1);
  return `${begin},"items":[${some.map(({ json }) => json).join(",")}]${rest === "" ? "" : `,${rest}`}}`;
}

/** `next` is undefined where no page was asked for. */
function viewed(
  items: readonly WrittenItem[],
  { items: which, offset, limit }: StatusView,
): { some: readonly WrittenItem[]; next?: number | null } {
  if (which === "none") return { some: [] };
  const wanted = which === "all" ? items : items.filter(({ state }) => state === "error" || state === "cancelled");
  if (offset === undefined && limit === undefined) return { some: wanted };
  const from = offset ?? 0;
  const to = Math.min(wanted.length, limit === undefined ? wanted.length : from + limit);
  return { some: wanted.slice(from, to), next: to < wanted.length ? to : null };
}
