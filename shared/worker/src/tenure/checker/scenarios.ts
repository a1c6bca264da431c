/** Small worlds that are walked through: what jobs there are, and what may go wrong with them. */
import type { Scenario } from "./tenure-checker.ts";

/** Each is walked to its end, within seconds. */
export const smallScenarios: Readonly<Record<string, Scenario>> = {
  "an engine that dies twice": { jobs: ["batch", "realtime"], chances: { crashes: 2 } },
  "an engine that hangs, and dies when it is loaded again": {
    jobs: ["batch", "realtime"],
    chances: { hangs: 1, crashes: 1 },
  },
  "passes that come to nothing": { jobs: ["batch", "interactive"], chances: { failures: 1, oom: 1 } },
  "files and models that cannot be had": { jobs: ["batch"], chances: { fileFailures: 1, loadFailures: 1, wishes: 1 } },
  "a lease that is lost, and refused": { jobs: ["batch", "realtime"], chances: { losses: 1, refusals: 1 } },
  "a lease that is lost while the worker is told to stop": {
    jobs: ["batch"],
    chances: { losses: 1, closes: 1, crashes: 1 },
  },
  "a batch that is cancelled under an engine that dies": {
    jobs: ["batch", "batch"],
    chances: { cancels: 1, crashes: 1 },
  },
  "another family that waits": { jobs: ["batch", "realtime"], chances: { waiters: 2 } },
  "another worker of the family": { jobs: ["batch", "interactive"], chances: { standbys: 1, losses: 1 } },
  "loading and unloading by hand": { jobs: ["batch"], chances: { wishes: 1, unloads: 1, closes: 1 } },
  "a job that is somebody else's by now": { jobs: ["batch", "batch"], chances: { stale: 1, closes: 1 } },
  "a window whose time is up, and others that have their share": { jobs: ["realtime", "window", "batch"], chances: {} },
  "a window under an engine that dies": { jobs: ["window", "batch"], chances: { crashes: 1 } },
  "windows while the lease is lost, and the worker told to stop": {
    ...{ jobs: ["window", "window"], chances: { losses: 1, closes: 1 } },
  },
  "two models, one of which cannot be had at first": {
    ...{ jobs: ["batch", "interactive"], others: [1], chances: { fileFailures: 1, loadFailures: 1 } },
  },
  "two models under an engine that dies": { jobs: ["batch", "realtime"], others: [0], chances: { crashes: 1 } },
  "two models, another family and a stop": {
    ...{ jobs: ["batch", "batch"], others: [0], chances: { waiters: 1, closes: 1 } },
  },
  "two models, and live work that leaves a share": {
    ...{ jobs: ["window", "window", "interactive"], others: [2], chances: {} },
  },
  "two models by hand": { jobs: ["interactive", "batch"], others: [1], chances: { wishes: 1, unloads: 1 } },
  "two models and jobs that are cancelled, or somebody else's by now": {
    ...{ jobs: ["batch", "interactive"], others: [1], chances: { cancels: 1, stale: 1 } },
  },
  "rows that join, of a batch that is cancelled": {
    ...{ jobs: ["batch", "batch", "batch"], refills: true, chances: { cancels: 1 } },
  },
  "rows that join, and run out of memory": { jobs: ["batch", "batch", "batch"], refills: true, chances: { oom: 1 } },
};

/** More jobs and more that goes wrong at a time: minutes, each up to a depth. */
export const fullScenarios: Readonly<Record<string, Scenario>> = {
  ...smallScenarios,
  "all three lanes, joined, under an engine that dies": {
    ...{ jobs: ["batch", "interactive", "realtime"], refills: true, chances: { crashes: 1, cancels: 1 } },
  },
  "two batches and a realtime job, with memory that runs out under an engine that dies": {
    ...{ jobs: ["batch", "batch", "realtime"], refills: true, chances: { oom: 1, crashes: 1 }, depth: 45 },
  },
  "windows of a session that is cancelled, before another family": {
    jobs: ["window", "batch"],
    chances: { waiters: 1, cancels: 1 },
  },
  "requests behind passes that are left at their ends alone": {
    ...{ jobs: ["batch", "batch", "interactive", "batch", "batch"], gapMs: 300, chances: {}, depth: 18 },
  },
  "live work that comes again when others have their share": {
    ...{ jobs: ["realtime", "window", "realtime", "batch"], chances: {}, depth: 24 },
  },
  "windows that join, with whole utterances, under an engine that dies": {
    ...{ jobs: ["window", "window", "realtime"], refills: true, chances: { crashes: 1 } },
  },
  "a hang, a loss and a stop": { jobs: ["batch", "realtime"], chances: { hangs: 1, losses: 1, closes: 1 } },
  "two models by hand, and a lease that is lost": {
    ...{ jobs: ["interactive", "batch"], others: [1], chances: { wishes: 1, unloads: 1, losses: 1 } },
  },
  "three jobs of two models that are cancelled, or somebody else's by now": {
    ...{ jobs: ["batch", "batch", "interactive"], others: [1], chances: { cancels: 1, stale: 1 } },
  },
  "three lanes of two models, under an engine that dies": {
    ...{ jobs: ["batch", "interactive", "realtime", "batch"], others: [1, 3], chances: { crashes: 1 }, depth: 23 },
  },
  "everything once": {
    jobs: ["batch", "realtime"],
    refills: true,
    depth: 11,
    chances: {
      ...{ crashes: 1, hangs: 1, failures: 1, oom: 1, loadFailures: 1, fileFailures: 1, losses: 1, refusals: 1 },
      ...{ cancels: 1, waiters: 1, standbys: 1, wishes: 1, unloads: 1, closes: 1, stale: 1 },
    },
  },
  "another family, joined rows and a stop": {
    ...{ jobs: ["batch", "batch", "interactive"], refills: true, chances: { waiters: 1, closes: 1 } },
  },
};
