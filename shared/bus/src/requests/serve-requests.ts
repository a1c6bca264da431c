/** Answers what publishers and services ask, in both forms of a verb's subject, one bounded turn after the other. */
import { type AskedSubject, parseAsked, type RequestVerb, servedSubjects } from "@parlance/contracts";
import type { Bus, Request } from "../types.ts";
import type { Turns } from "./turns.ts";

export type Asked = Request & AskedSubject;

export interface ServeRequestsOptions {
  bus: Bus;
  /** Instances of one service share the requests. */
  group: string;
  turns: Turns;
  signal: AbortSignal;
}

/** What `answer` throws is the reply, as an error body. */
export function serveRequests(
  { bus, group, turns, signal }: ServeRequestsOptions,
  verb: RequestVerb,
  answer: (asked: Asked) => Promise<void>,
): void {
  for (const subject of servedSubjects(verb)) {
    bus.serve(
      subject,
      group,
      async (request) => {
        const asked = { ...request, ...parseAsked(request.subject) };
        await turns.take(asked.source ?? "", request.data.byteLength, () => answer(asked));
      },
      signal,
    );
  }
}
