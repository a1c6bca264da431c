import { describe, expect, test } from "vitest";
import { explore } from "./lone-checker.ts";
import { type Rules, sound } from "./lone-world.ts";

const ofTwo = { ...sound, at: ["ingest A", "ingest B", "worker A", "worker B"] } as const;
const ofFailed = { ...sound, lone: false, at: ["ingest A", "ingest B", "results"] } as const;
const ofCancelled = {
  ...{ ...sound, two: false, cancels: true },
  at: ["ingest A", "worker A", "canceller", "watcher"],
} as const;
const ofBoth = { ...ofCancelled, lone: false, at: ["ingest A", "results", "canceller", "watcher"] } as const;

describe("in every order of steps, deaths, deliveries and purges", () => {
  test.each<[string, Rules]>([
    ["a batch of one segment, of whose id a second message comes, keeps its promises", ofTwo],
    ["one that turns out to be more keeps them", ofFailed],
    ["one that is cancelled keeps them", ofCancelled],
    ["one that is more, and cancelled, keeps them", ofBoth],
  ])("%s", (_name, rules) => {
    const { worlds, violations } = explore(rules);
    expect(violations).toEqual({});
    expect(worlds).toBeGreaterThan(300);
  });
});

describe("it is noticed when", () => {
  const known = "what was asked is known from the moment when it came";
  const withOneWorker = { ...ofTwo, at: ["ingest A", "ingest B", "worker A"] } as const;
  test.each<[string, Rules, string]>([
    ["intake is looked at last", { ...withOneWorker, intakeLast: true }, "the batch id is the first message's"],
    ["the end is looked for before the job", { ...withOneWorker, endBeforeJob: true }, "everything comes to its end"],
    ["a message is acknowledged before its job is there", { ...withOneWorker, acknowledgesFirst: true }, known],
    ["nothing is written down of what is more", { ...ofFailed, keepsNothing: true }, known],
    ["nothing is written down of what is cancelled", { ...ofCancelled, keepsNothing: true }, known],
    ["a job that nobody wants goes without an end", { ...ofCancelled, forgets: true }, known],
    ["a second end takes the first one's place", { ...ofCancelled, firstWins: false }, "what is its end stays its end"],
  ])("%s", (_name, rules, promise) => {
    const { violations } = explore(rules);
    expect(Object.keys(violations)).toContain(promise);
    expect(violations[promise]?.length).toBeGreaterThan(1);
  });
});
