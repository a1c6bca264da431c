/**
 * What a stream's leader says of it. A leader that was elected a moment ago may still be taking in what its predecessor had
 * stored: its counts are then less than what this process holds in its hands, and nothing may be concluded from them.
 */
import { JetStreamApiError, type StreamInfo } from "@nats-io/jetstream";
import type { Link } from "./link.ts";
import { apiErrorSchema, NotYet } from "./server-error.ts";
import { type RetryOptions, untilAnswered } from "./until-answered.ts";

/**
 * In a cluster it is the leader that answers, and it names itself. A server that was held up and knows of no leader yet answers too,
 * with its own replica's word.
 */
export function requireLeader(what: string, { cluster }: { cluster?: { leader?: string } }): void {
  if (cluster !== undefined && !cluster.leader) throw new NotYet(`${what} has no leader at the moment`);
}

/** With the number of messages of every subject under `subject`, where one is given. */
export async function askInfo(
  link: Link,
  stream: string,
  { subject, ...retry }: RetryOptions & { subject?: string | undefined } = {},
): Promise<StreamInfo> {
  return await untilAnswered(
    link,
    `Asking for stream ${stream}`,
    async (timeoutMs) => {
      const seen = link.seen.of(stream);
      const info = await wholeInfo(link, stream, subject, timeoutMs);
      requireLeader(`stream ${stream}`, info);
      noteKeeper(link, stream, info.config.num_replicas === 1 && info.config.allow_direct, KNOWN_MS);
      // What is in memory only begins anew with its server.
      if (info.state.last_seq >= seen || info.config.storage === "memory") return info;
      throw new NotYet(`the leader of ${stream} is at ${info.state.last_seq}, and ${seen} was stored`);
    },
    retry,
  );
}

/** The server tells of so many subjects at a time. The client library asks the same, and makes an error with its stack for each question. */
async function wholeInfo(
  link: Link,
  stream: string,
  subject: string | undefined,
  timeoutMs: number,
): Promise<StreamInfo> {
  const told: Record<string, number> = {};
  for (let offset = 0; ; offset = Object.keys(told).length) {
    const request = subject === undefined ? "" : JSON.stringify({ subjects_filter: subject, offset });
    const { data } = await link.ask(`$JS.API.STREAM.INFO.${stream}`, request, { timeoutMs });
    const answer: InfoAnswer = JSON.parse(Buffer.from(data).toString());
    const error = apiErrorSchema.optional().parse(answer.error);
    if (error !== undefined) throw new JetStreamApiError(error);
    const page = Object.entries(answer.state.subjects ?? {});
    if (subject === undefined) return answer;
    for (const [name, count] of page) told[name] = count;
    if (page.length === 0 || offset + page.length >= (answer.total ?? 0)) {
      return { ...answer, state: { ...answer.state, subjects: told } };
    }
  }
}

type InfoAnswer = StreamInfo & { error?: unknown; total?: number };

/** It may be changed while it is used, which is seldom. */
const KNOWN_MS = 60_000;
const UNKNOWN_MS = 5_000;
const keepers = new WeakMap<Link, Map<string, { alone: boolean; until: number }>>();

function noteKeeper(link: Link, stream: string, alone: boolean, freshMs: number): void {
  const known = keepers.get(link) ?? new Map();
  keepers.set(link, known.set(stream, { alone, until: performance.now() + freshMs }));
}

/**
 * Whether one server has all of a stream and tells its messages without the API: what it does not have, nobody has. As it was told
 * within the last minute; where that is not known, no, and it is asked for.
 */
export function hasOneKeeper(link: Link, stream: string): boolean {
  const known = keepers.get(link)?.get(stream);
  if (known !== undefined && performance.now() < known.until) return known.alone;
  noteKeeper(link, stream, false, UNKNOWN_MS);
  // What goes wrong with it goes wrong for who asks next, who is told.
  void askInfo(link, stream, { silentTries: 1, timeoutMs: UNKNOWN_MS }).catch(() => undefined);
  return false;
}
