/** What a session's client is told before its socket is closed, and the code that it is closed with. Pure. */
import type { Failure } from "@parlance/contracts";
import { fromFailure, type Problem, problems } from "./realtime-errors.ts";

export interface LastWords {
  problem?: Problem;
  code: number;
  reason: string;
}

/** 1013: it may be tried again later; 1011: it could not go on. */
export function lastWordsOf(failure: Failure): LastWords {
  const busy = failure.code === "session_behind" || failure.code === "too_many_sessions";
  return { problem: fromFailure(failure), code: busy ? 1013 : 1011, reason: failure.code };
}

export function expiry(lastsMs: number): LastWords {
  return { problem: problems.expired(lastsMs / 60_000), code: 1000, reason: "session_expired" };
}
