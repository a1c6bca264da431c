/** A pass in the engine: what becomes of its rows is news for the tenure, and what there is of them meanwhile for whoever reads it. */
import type { Engine, EngineOutcome, EngineRun, PassEvent, Room } from "@parlance/inference/engine";
import type { Work } from "../lanes/held-jobs.ts";
import type { Parts } from "../parts/parts.ts";
import { newsOf, type TenureNews } from "./tenure-news.ts";

export interface HandedPass {
  /** The tenure's number of it. */
  pass: number;
  jobs: readonly Work[];
  urgency: number;
  room: Room | undefined;
}

export interface HandPassOptions {
  engine: Pick<Engine, "run">;
  /** What is loaded there. */
  model: string;
  parts: Pick<Parts, "tell" | "over">;
  onNews(news: TenureNews): void;
}

/** Of a row that has ended or was told to stop nothing more is heard than its end. */
export function handPass({ pass, jobs, urgency, room }: HandedPass, options: HandPassOptions): EngineRun {
  const { engine, model, parts, onNews } = options;
  const heard = new Map(jobs.entries());

  function over(rows: readonly number[], outcome?: EngineOutcome): void {
    for (const row of rows) {
      const job = heard.get(row);
      heard.delete(row);
      if (job?.kind === "job") parts.over(job, outcome);
    }
  }

  function take(event: PassEvent): void {
    if (event.type === "part") {
      const job = heard.get(event.row);
      if (job?.kind === "job") parts.tell(job, event.part, model);
      return;
    }
    if (event.type === "outcome") over([event.row], event.outcome);
    else if (event.type !== "started") over(event.rows);
    onNews(newsOf(pass, event));
  }

  const run = engine.run({ jobs: jobs.map(({ engineJob }) => engineJob), urgency, room }, take);
  return {
    stop(rows = [...heard.keys()]) {
      over(rows);
      run.stop(rows);
    },
  };
}
