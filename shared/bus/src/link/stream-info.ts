/**
 * What a stream's leader says of it. A leader that was elected a moment ago may still be taking in what its predecessor had
 * stored: its counts are then less than what this process holds in its hands, and nothing may be concluded from them.
 */
import type { StreamInfo } from "@nats-io/jetstream";
import type { Link } from "./link.ts";
import { NotYet } from "./server-error.ts";
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
    async () => {
      const seen = link.seen.of(stream);
      const info = await link.jsm.streams.info(
        stream,
        subject === undefined ? undefined : { subjects_filter: subject },
      );
      requireLeader(`stream ${stream}`, info);
      // What is in memory only begins anew with its server.
      if (info.state.last_seq >= seen || info.config.storage === "memory") return info;
      throw new NotYet(`the leader of ${stream} is at ${info.state.last_seq}, and ${seen} was stored`);
    },
    retry,
  );
}
