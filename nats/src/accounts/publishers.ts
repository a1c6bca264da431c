/**
 * What publishers can reach: programs that drop audio or text and read what comes of it, with any NATS client. One that has a name
 * drops under that name alone, and nobody else does; who has no password shares the account `PUBLISHER` with all who have none.
 *
 * The imports are the wall; the permissions are made from them, and keep a publisher from what is not its own within its account.
 * What is asked (`speech.status.<batchId>`) leaves the account with the name of who asks in it (`speech.from.<name>.status.<batchId>`).
 * Permissions are of the names behind these mappings, for that is when the server looks at them.
 */
import {
  GATEWAY_SOURCE,
  OPEN_SOURCE,
  OPERATOR_SOURCE,
  publishedSubject,
  type RequestVerb,
  requestVerbs,
  servedSubjects,
  subjects,
} from "@parlance/contracts";
import { NatsStartError } from "../start-error.ts";
import { MONITOR, PUBLISHER, SPEECH } from "./account-names.ts";
import type { Import, Mapping, Outsider } from "./outsider.ts";
import { ownInbox, users } from "./permissions.ts";

/** `my-app` drops on `speech.intake.my-app.<batchId>`, and only there. */
export function namedPublisher(name: string): Outsider {
  return publisher(name, name, subjects.intake(name, "*"));
}

/** Without a name: whatever source it says, its drops are the `publisher`'s, so that they are never taken for a named one's. */
export function openPublisher(publishers: readonly string[]): Outsider {
  const open = publisher("publisher", OPEN_SOURCE, subjects.openIntake("*", "*"));
  const chosen = { from: subjects.intake("*", "*"), to: subjects.openIntake("$1", "$2") };
  // Who says a source that is somebody else's is told so, though nobody would take it for that one's.
  const denyPublish = [...reservedSources, ...publishers].map((source) => subjects.openIntake(source, "*"));
  return {
    ...open,
    mappings: [chosen, ...open.mappings],
    permissions: { ...open.permissions, denyPublish },
  };
}

/** The subjects that a publisher writes on, as it calls them and as they are called behind its mappings. */
export function writtenBy({ permissions, mappings }: Outsider): string[] {
  return [...mappings.map(({ from }) => from), ...permissions.publish];
}

const reservedSources = [GATEWAY_SOURCE, OPERATOR_SOURCE];

function publisher(user: string, source: string, intake: string): Outsider {
  const asked = requestVerbs.map((verb) => publishedSubject(source, verb));
  const live = subjects.liveAudioOf(source, "*");
  const heard = [
    ...["speech.done.>", "speech.summary.>", "speech.progress.>", "speech.sound.>", subjects.refused(source, ">")],
    ...[subjects.livePartial("*"), subjects.liveState("*")],
  ];
  return {
    user,
    imports: [
      ...[intake, live, ...asked].map((subject): Import => ({ kind: "service", subject })),
      ...heard.map((subject): Import => ({ kind: "stream", subject })),
      { kind: "stream", subject: subjects.toldSummary("*"), to: subjects.summary("$1") },
    ],
    mappings: [
      { from: subjects.liveAudio("*"), to: subjects.liveAudioOf(source, "$1") },
      ...requestVerbs.map((verb) => askedBy(source, verb)),
    ],
    permissions: { publish: [intake, live, ...asked], subscribe: ["_INBOX.>", ...ownInbox(user), ...heard] },
  };
}

function askedBy(source: string, verb: RequestVerb): Mapping {
  const [from] = servedSubjects(verb);
  return { from, to: publishedSubject(source, verb).replace("*", "$1") };
}

/** Throws a NatsStartError when a name is not a publisher's to have. Names that differ only in case or in their hyphens would share the variable of their password. */
export function refuseTaken(publishers: readonly string[]): void {
  const plain = (name: string) => name.toLowerCase().replaceAll("_", "-");
  const seen = new Set([...users, SPEECH, MONITOR, PUBLISHER, ...reservedSources].map(plain));
  for (const name of publishers) {
    if (seen.has(plain(name))) {
      throw new NatsStartError(
        "bad_publisher",
        `PUBLISHERS: ${name} is taken; choose another name for this publisher.`,
      );
    }
    seen.add(plain(name));
  }
}
