/** With which code a socket closes for an error: 1013 where it may be tried again, 1011 for our own fault, 1008 for the caller's. */
import { type ErrorCode, errorTable } from "@parlance/contracts";

export function closeCodeOf(code: ErrorCode): number {
  const { status, retryable } = errorTable[code];
  if (status === 500) return 1011;
  return retryable ? 1013 : 1008;
}
