/** The loads that schedules are compared under: two backlogs and requests, on a CPU with small models and on a GPU with large ones. */
import type { Arrivals, FamilyLoad, Scenario } from "./simulate.ts";

/** parlance-en and a small voice on two cores: loads and passes of this order. */
const cpu = {
  asr: { swapMs: 900, pass: { base: 50, perJob: 60, maxJobs: 16 } },
  tts: { swapMs: 700, pass: { base: 50, perJob: 90, maxJobs: 16 } },
};
/** Models of one to two thousand million parameters: weights from the page cache, a CUDA context, a warm-up. */
const gpu = {
  asr: { swapMs: 4_000, pass: { base: 600, perJob: 60, maxJobs: 16 } },
  tts: { swapMs: 4_500, pass: { base: 1_200, perJob: 110, maxJobs: 16 } },
};

const every = (seconds: number): Arrivals => ({ everyMs: 1_000 * seconds });

function scenario(machine: typeof cpu, asr: FamilyLoad["arrivals"], tts: FamilyLoad["arrivals"]): Scenario {
  return { asr: { ...machine.asr, arrivals: asr }, tts: { ...machine.tts, arrivals: tts } };
}

function backlogs(machine: typeof cpu, request: Arrivals): Scenario {
  const arrivals: FamilyLoad["arrivals"] = { interactive: request, batch: "backlog" };
  return scenario(machine, arrivals, arrivals);
}

/** A phone call that is transcribed as it is spoken: its windows come all the time. */
function call(machine: typeof cpu, tts: FamilyLoad["arrivals"]): Scenario {
  const asr = { ...machine.asr, arrivals: { realtime: { everyMs: 300, regular: true } }, sessions: true };
  return { asr, tts: { ...machine.tts, arrivals: tts } };
}

export const scenarios: Record<string, Scenario> = {
  "CPU, two backlogs": scenario(cpu, { batch: "backlog" }, { batch: "backlog" }),
  "CPU, two backlogs, a request of each kind every 5 s": backlogs(cpu, { everyMs: 5_000, regular: true }),
  "CPU, two backlogs, two streams of requests, one a second each": backlogs(cpu, every(1)),
  "GPU, two backlogs": scenario(gpu, { batch: "backlog" }, { batch: "backlog" }),
  "GPU, two backlogs, a request of each kind every two minutes": backlogs(gpu, every(120)),
  "GPU, two backlogs, a request of each kind every 15 s": backlogs(gpu, every(15)),
  "GPU, two backlogs, two streams of requests, one a second each": backlogs(gpu, every(1)),
  "GPU, transcription requests every 3 s before a speech backlog": scenario(
    gpu,
    { interactive: every(3) },
    { batch: "backlog" },
  ),
  "GPU, somebody speaks (a segment every 0.7 s) before a speech backlog": scenario(
    gpu,
    { realtime: { everyMs: 700, regular: true } },
    { batch: "backlog" },
  ),
  "CPU, a call (a window every 0.3 s) and requests for speech every 10 s": call(cpu, { interactive: every(10) }),
  "CPU, a call (a window every 0.3 s) before a speech backlog": call(cpu, { batch: "backlog" }),
  "GPU, a call (a window every 0.3 s) before a speech backlog": call(gpu, { batch: "backlog" }),
};
