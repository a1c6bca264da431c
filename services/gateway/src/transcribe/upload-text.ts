/** The text of an upload, which may be published again: what is followed then is another batch's, and whoever reads it need not know. */
import type { FollowedText } from "./stream/follow-text.ts";
import type { TextDeltasOptions } from "./stream/text-deltas.ts";

export interface UploadText extends Pick<FollowedText, "listen" | "next" | "rest"> {
  /** From now on. */
  become(text: FollowedText): void;
}

export function createUploadText(first: FollowedText): UploadText {
  let text = first;
  let wished: TextDeltasOptions | undefined;
  return {
    listen(options) {
      wished = options;
      text.listen(options);
    },
    next: (silenceMs, signal) => text.next(silenceMs, signal),
    rest: (transcript) => text.rest(transcript),
    become(next) {
      text = next;
      if (wished !== undefined) next.listen(wished);
    },
  };
}
