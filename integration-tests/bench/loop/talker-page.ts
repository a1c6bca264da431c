/** What loop.md says of making speech: a table for each model, and what follows from it. */
import { byModel } from "../measure/by-model.ts";
import { show, spread } from "../measure/statistics.ts";
import { tellEqual } from "./comparison.ts";
import { FRAMES_PER_SECOND, framesPerSecond, type TalkerMeasured } from "./measure-talker.ts";

const wayNames = { loop: "loop in the graph", step: "a run for every step" } as const;

/** Nothing where none was measured. */
export function talkerPage(frames: number, measured: readonly TalkerMeasured[]): string {
  if (measured.length === 0) return "";
  return `
## Frames of speech

Qwen3-TTS's talker and code predictor, random weights: frames of 16 codes, 80 ms of sound each, at most ${frames} of a row, all codes drawn by the
rows' seeds. Stepwise a frame is two runs, with keys and values through the host's memory; in the loop 16 frames are one run, which
reads prompts and frames so far again, and the first run of a row has 4. Frames are counted without the codec. The first sound is
that of a row's first 4 frames: of the row that has it first, and of the one that has it last. Codes are compared with those of the steps on
the CPU in float32: where sums are made in another order, a draw falls on a neighbour now and then, and from there on a row says something
else; a run fails in which more than a quarter of the rows begin otherwise. A seam is how far the sound of 4 frames at a time is from their
sound in one, as a part of its largest sample. Memory is the process's largest, without the GPU's.

${byModel(measured, section)}
`;
}

function section(model: string, cells: readonly TalkerMeasured[]): string {
  const rows = cells.flatMap(({ way, format, answer }) =>
    answer.batches.map((batch) => {
      const speed = framesPerSecond(batch, answer);
      const sound = (speed / FRAMES_PER_SECOND).toFixed(2);
      const [first, every] = [show(spread(batch.first_sound_s), 3), show(spread(batch.every_first_sound_s), 3)];
      return `| ${wayNames[way]} | ${format} | ${batch.rows} | ${speed.toFixed(1)} | ${sound} | ${first} | ${every} |`;
    }),
  );
  const runs = cells.map(({ way, format, answer, comparison }) => {
    const equal = tellEqual(comparison);
    const seam = answer.seam === undefined ? "no sound" : answer.seam.toExponential(1);
    return `| ${wayNames[way]} | ${format} | ${equal} | ${seam} | ${answer.load_s.toFixed(1)} | ${answer.memory_mb} |`;
  });
  return `### ${model}

| way | format | rows | frames a second | seconds of sound a second | first sound, s | of every row, s |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

| way | format | codes equal | seam | loading, s | memory, MB |
| --- | --- | --- | --- | --- | --- |
${runs.join("\n")}

${verdict(cells)}`;
}

function verdict(cells: readonly TalkerMeasured[]): string {
  return cells
    .flatMap((loop) => {
      const step = cells.find(({ way, format }) => way === "step" && format === loop.format);
      if (loop.way !== "loop" || step === undefined) return [];
      return loop.answer.batches.flatMap((batch) => {
        const other = step.answer.batches.find(({ rows }) => rows === batch.rows);
        if (other === undefined) return [];
        const ratio = framesPerSecond(batch, loop.answer) / framesPerSecond(other, step.answer);
        const [own, others] = [spread(batch.seconds), spread(other.seconds)];
        const apart = own.maximum < others.minimum || own.minimum > others.maximum ? "apart" : "overlap";
        const rows = batch.rows === 1 ? "one row" : `${batch.rows} rows`;
        return [`In ${loop.format}, ${rows}: the loop makes ${ratio.toFixed(2)} times the frames (ranges ${apart}).`];
      });
    })
    .join("\n");
}
