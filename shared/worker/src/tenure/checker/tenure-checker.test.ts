import { someOf, thorough } from "@parlance/contracts/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TenureMachine } from "../tenure-machine.ts";
import type { TenureEffect, TenureEvent, TenureState } from "../tenure-state.ts";
import { smallScenarios } from "./scenarios.ts";
import { explore, type Scenario, wander } from "./tenure-checker.ts";

describe("every behaviour of a small world", () => {
  // `npm run check:tenure` walks through all of them, and larger ones.
  for (const [name, scenario] of someOf(Object.entries(smallScenarios), 2)) {
    test(name, () => {
      const { worlds, violations } = explore({ ...scenario, depth: thorough ? 28 : 22 });
      expect(violations).toEqual([]);
      expect(worlds).toBeGreaterThan(1_000);
    });
  }
});

test("a walk by chance through a larger world breaks no promise, and everything comes to its end", () => {
  const chances = {
    ...{ crashes: 2, hangs: 1, failures: 2, oom: 2, loadFailures: 1, fileFailures: 1, losses: 1, refusals: 1 },
    ...{ cancels: 1, waiters: 2, standbys: 1, wishes: 2, unloads: 1, closes: 1, stale: 1 },
  };
  const jobs = [
    ...(["batch", "window", "realtime", "interactive", "window"] as const),
    ...(["batch", "batch", "realtime", "interactive", "window"] as const),
  ];
  fc.assert(
    fc.property(
      fc.array(fc.nat(999), { minLength: 20, maxLength: 150 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      fc.subarray([...jobs.keys()]),
      fc.constantFrom(0, 300),
      (choices, refills, maxBatchSize, isCalm, others, gapMs) => {
        const scenario: Scenario = {
          ...{ jobs, others, gapMs },
          refills,
          maxBatchSize,
          chances: isCalm ? { cancels: 1, waiters: 2 } : chances,
        };
        let at = 0;
        const choose = (among: number) => (choices[at++] ?? 0) % among;
        expect(wander(scenario, choose, choices.length)).toBeUndefined();
      },
    ),
    { numRuns: 300 },
  );
});

type Next = TenureMachine["next"];

/** A machine of which every step is spoilt. */
const spoilt =
  (spoil: (right: ReturnType<Next>, event: TenureEvent, before: TenureState) => ReturnType<Next>) =>
  (machine: TenureMachine): TenureMachine => ({
    ...machine,
    next: (state, event) => spoil(machine.next(state, event), event, state),
  });

const effects = (what: string[]) => spoilt(([state, all], event) => [state, what.includes(event.type) ? [] : all]);

describe("the checker finds a machine that", () => {
  const mutants: [
    what: string,
    finds: string,
    scenario: Scenario,
    broken: (machine: TenureMachine) => TenureMachine,
  ][] = [
    [
      "drops a job whose engine died",
      "a job is lost",
      { jobs: ["batch", "batch"], chances: { crashes: 1 } },
      spoilt(([state, all], { type }) => (type === "died" ? [{ ...state, waiting: [] }, all] : [state, all])),
    ],
    [
      "drops a job that joined a pass which failed",
      "a job is lost",
      { jobs: ["batch", "batch", "batch"], refills: true, chances: { oom: 1 } },
      spoilt(([state, all], { type }) => {
        const { phase } = state;
        if (type !== "failed" || phase.name !== "working") return [state, all];
        return [{ ...state, phase: { ...phase, tenure: { ...phase.tenure, again: [] } } }, all];
      }),
    ],
    [
      "settles a job twice",
      "a job is settled twice",
      { jobs: ["batch"], chances: {} },
      spoilt(([state, all]) => [state, [...all, ...all.filter((effect) => effect.do === "settle")]]),
    ],
    [
      "keeps a job that has its result",
      "a job is left behind its end",
      { jobs: ["batch"], chances: {} },
      spoilt(([state, all]) => {
        const kept = all.flatMap((effect) => (effect.do === "settle" ? [effect.job] : []));
        return [{ ...state, waiting: [...state.waiting, ...kept] }, all];
      }),
    ],
    [
      "hands a job over twice",
      "a job is doubled",
      { jobs: ["batch"], chances: {} },
      spoilt(([state, all]) => [state, [...all, ...all.filter((effect) => effect.do === "hand")]]),
    ],
    [
      "starts an engine while it asks for the lease",
      "an engine runs without the lease",
      { jobs: ["batch"], chances: {} },
      spoilt(([state, all]) => [
        state,
        all.flatMap((effect): TenureEffect[] => {
          return effect.do === "acquire" ? [effect, { do: "load", engine: 99, model: 0 }] : [effect];
        }),
      ]),
    ],
    [
      "keeps its engine when the lease is lost",
      "an engine runs without the lease",
      { jobs: ["batch"], chances: { losses: 1 } },
      effects(["lost"]),
    ],
    [
      "lets the lease go before its engine is gone",
      "the lease is let go while an engine lives",
      { jobs: ["batch"], chances: { unloads: 1 } },
      spoilt(([state, all]) => [
        state,
        all.flatMap((effect): TenureEffect[] => (effect.do === "kill" ? [effect, { do: "release" }] : [effect])),
      ]),
    ],
    [
      "forgets that a batch was cancelled",
      "a cancelled job waits",
      { jobs: ["batch", "batch"], chances: { cancels: 1 } },
      spoilt((right, { type }, before) => (type === "cancelled" ? [before, []] : right)),
    ],
    [
      "does not tell the engine that a batch was cancelled",
      "a cancelled job runs on",
      { jobs: ["batch", "batch"], chances: { cancels: 1 } },
      spoilt(([state, all], { type }) => [
        state,
        type === "cancelled" ? all.filter((effect) => effect.do !== "stop") : all,
      ]),
    ],
    [
      "lets urgent work wait for the next thing that happens",
      "what is urgent does not overtake",
      { jobs: ["batch", "realtime"], chances: {} },
      spoilt((right, event, before) => {
        const isUrgent = event.type === "job" && event.job.lane === "realtime" && before.phase.name === "working";
        return isUrgent ? [{ ...before, waiting: [...before.waiting, event.job] }, []] : right;
      }),
    ],
    [
      "keeps a window whose time is up",
      "a late window waits",
      { jobs: ["realtime", "window"], chances: {} },
      spoilt(([state, all]) => {
        const late = all.flatMap((effect) => (effect.do === "late" ? [effect.job] : []));
        return [{ ...state, waiting: [...state.waiting, ...late] }, all.filter((effect) => effect.do !== "late")];
      }),
    ],
    [
      "never notices that its engine hangs",
      "a job is never settled",
      { jobs: ["batch"], chances: { hangs: 1 } },
      (machine) => ({
        ...machine,
        wakeAt: ({ phase, ...rest }) =>
          phase.name === "working" && phase.tenure.runs.length > 0 ? undefined : machine.wakeAt({ phase, ...rest }),
      }),
    ],
    [
      "hands a job to the model that happens to be loaded",
      "a job is run by another model",
      { jobs: ["batch", "batch"], others: [1], chances: {} },
      spoilt(([state, all]) => [
        { ...state, waiting: state.waiting.map((job) => ({ ...job, model: state.model })) },
        all,
      ]),
    ],
    [
      "loads a model before its files are there",
      "a model is loaded whose files are not ready",
      { jobs: ["batch"], others: [0], chances: {} },
      spoilt(([state, all]) => [
        state,
        all.map((effect) => (effect.do === "load" ? { ...effect, model: 1 - effect.model } : effect)),
      ]),
    ],
    [
      "does not hear that it is to close",
      "it does not close",
      { jobs: ["batch"], chances: {} },
      spoilt((right, { type }, before) => (type === "close" ? [before, []] : right)),
    ],
    [
      "does not give back what waits when it is told to close",
      "a job is left",
      { jobs: ["batch", "batch", "batch"], chances: { closes: 1 } },
      spoilt(([state, all], _, before) => {
        const given = all.flatMap((effect) => (effect.do === "give-back" && before.closing ? effect.jobs : []));
        return [{ ...state, waiting: [...state.waiting, ...given] }, all.filter((effect) => effect.do !== "give-back")];
      }),
    ],
  ];

  for (const [what, finds, scenario, broken] of mutants) {
    test(what, () => {
      const found = explore(scenario, broken, finds).violations.map((violation) => violation.what);
      expect(found).toContain(finds);
    });
  }
});
