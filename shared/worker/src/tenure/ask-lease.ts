/** The lease is asked for, until it is got or wanted no more; either is told. */
import type { Lane } from "@parlance/contracts";
import type { Lease } from "@parlance/gpu-lease";
import type { Log } from "@parlance/telemetry";
import type { Inbox } from "../inbox.ts";
import type { TenureNews } from "./tenure-news.ts";

export interface AskLeaseOptions {
  lease: Pick<Lease, "held" | "acquire">;
  inbox: Pick<Inbox<TenureNews>, "put">;
  log: Log;
}

export interface LeaseQuestion {
  call: number;
  lane: Lane;
  since: number | undefined;
  politeMs: number;
}

/** Answers how to stop asking. */
export function askLease({ lease, inbox, log }: AskLeaseOptions, question: LeaseQuestion): () => void {
  const { call, lane, since = Date.now(), politeMs } = question;
  const asking = new AbortController();
  const { signal } = asking;
  lease.acquire({ lane, since: Math.min(Date.now(), since), politeMs, signal }).then(
    // It may have been lost on the way here.
    () => inbox.put({ type: lease.held ? "granted" : "refused", call }),
    (error) => {
      if (!signal.aborted) log.warn({ err: error }, "the lease was not got");
      inbox.put({ type: "refused", call });
    },
  );
  return () => asking.abort();
}
