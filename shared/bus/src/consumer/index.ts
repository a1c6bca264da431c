/** Taking work from durables: pulled as there is room (consumer), held and told of until it is settled (hold). */
export * from "./consumer.ts";
export type { Held, HoldClock } from "./hold.ts";
