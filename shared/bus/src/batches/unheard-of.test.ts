/** What is asked together is what each would have asked, and one that may be known has all of them asked singly. */
import { streams } from "@parlance/contracts";
import { expect, test } from "vitest";
import { createUnheardOf } from "./unheard-of.ts";

interface Question {
  stream: string;
  subjects: readonly string[];
}

/** A bus whose streams have messages with these ids. */
function scripted(there: readonly [stream: string, id: string][] = []) {
  const asked: Question[] = [];
  const hasNone = async (stream: string, subjects: readonly string[]) => {
    asked.push({ stream, subjects });
    return !there.some(
      ([where, id]) => where === stream && subjects.some((subject) => subject.split(".").includes(id)),
    );
  };
  return { asked, isUnheardOf: createUnheardOf({ hasNone }) };
}

const answersOf = (ids: string[], isUnheardOf: (id: string) => Promise<boolean>) => Promise.all(ids.map(isUnheardOf));

test("the ids of a pull are three questions, jobs before ends", async () => {
  const { asked, isUnheardOf } = scripted();
  const ids = Array.from({ length: 16 }, (_, n) => `id${n}`);
  expect(await answersOf([...ids, "id0"], isUnheardOf)).toEqual(Array(17).fill(true));
  const where = asked.map(({ stream }) => stream);
  expect(where.toSorted()).toEqual([streams.jobs, "KV_batches", streams.results].toSorted());
  expect(where.indexOf(streams.jobs)).toBeLessThan(where.indexOf(streams.results));
  expect(asked.every(({ subjects }) => subjects.length === 16)).toBe(true);
});

test.each([
  ["a record", "KV_batches"],
  ["a job", streams.jobs],
  ["an end", streams.results],
])("%s of one of them has each asked by itself", async (_, stream) => {
  const { isUnheardOf } = scripted([[stream, "b"]]);
  expect(await answersOf(["a", "b"], isUnheardOf)).toEqual([false, false]);
  expect(await isUnheardOf("a")).toBe(true);
});

test("more than 64 are several questions, and what comes later is asked anew", async () => {
  const { asked, isUnheardOf } = scripted();
  const ids = Array.from({ length: 130 }, (_, n) => `id${n}`);
  expect(new Set(await answersOf(ids, isUnheardOf))).toEqual(new Set([true]));
  expect(asked).toHaveLength(9);
  await isUnheardOf("late");
  expect(asked).toHaveLength(12);
});
