/** Windows whose time is up: answered as late where they wait, and called back where the engine has not begun with them. */
import { change, changePass, changeTenure, type Draft, tenureOf } from "./draft.ts";
import type { Row, TenureJob, TenureState } from "./tenure-state.ts";

export function expire(draft: Draft): void {
  const isOver = ({ expiresAt }: TenureJob) => expiresAt !== undefined && expiresAt <= draft.now;
  const { waiting } = draft.state;
  const late = waiting.filter(isOver);
  if (late.length > 0) change(draft, { waiting: waiting.filter((job) => !isOver(job)) });
  const tenure = tenureOf(draft.state);
  const singled = tenure?.again.flat().filter(isOver) ?? [];
  if (tenure !== undefined && singled.length > 0) {
    const again = tenure.again.map((group) => group.filter((job) => !isOver(job)));
    changeTenure(draft, { again: again.filter((group) => group.length > 0) });
  }
  for (const pass of tenure?.passes ?? []) {
    const isMeant = (row: Row) => isUnbegun(row) && isOver(row.job);
    const meant = pass.rows.filter(isMeant);
    if (meant.length === 0) continue;
    draft.effects.push({ do: "stop", pass: pass.id, rows: meant.map(({ row }) => row) });
    changePass(draft, {
      ...pass,
      rows: pass.rows.map((row) => (isMeant(row) ? { ...row, stopped: "recalled" as const } : row)),
    });
  }
  for (const job of [...late, ...singled]) draft.later.push({ do: "late", job });
}

/** When the next one is due. */
export function expiries(state: TenureState): (number | undefined)[] {
  const tenure = tenureOf(state);
  const unbegun = tenure?.passes.flatMap(({ rows }) => rows.filter(isUnbegun).map(({ job }) => job)) ?? [];
  return [...state.waiting, ...(tenure?.again.flat() ?? []), ...unbegun].map(({ expiresAt }) => expiresAt);
}

function isUnbegun({ run, stopped }: Row): boolean {
  return run === undefined && stopped === undefined;
}
