import { cutText } from "@parlance/tts/text";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSpeakPlan, type SpeakPlan } from "./speak-plan.ts";

const texts = (plan: SpeakPlan) => plan.next().map(({ text }) => text);

test("the first sentence is handed out alone, and those that wait behind it together", () => {
  const plan = createSpeakPlan();
  plan.add("This is the first one. This is the second one. This is the third one. And ");
  expect(texts(plan)).toEqual(["This is the first one."]);
  expect(texts(plan)).toEqual(["This is the second one.", "This is the third one."]);
  expect(texts(plan)).toEqual([]);
  plan.add("a fourth. But ");
  expect(texts(plan)).toEqual(["And a fourth."]);
});

test("no more is underway than a caller that interrupts may waste", () => {
  const plan = createSpeakPlan();
  const sentence = `${"a word ".repeat(40)}. `;
  plan.add(sentence.repeat(4));
  plan.flush();
  expect(plan.next()).toHaveLength(1);
  expect(plan.next()).toHaveLength(0);
  plan.spoken(0);
  expect(plan.next()).toMatchObject([{ n: 1 }]);
  const short = createSpeakPlan();
  short.add("Go there now. ".repeat(20));
  short.flush();
  expect([short.next().length, short.next().length, short.next().length]).toEqual([1, 7, 0]);
});

test("text that is too far ahead of the sound is refused whole, by its field, and there is room again when some is spoken", () => {
  const plan = createSpeakPlan();
  const long = "It goes on and on. ".repeat(400);
  plan.add(long);
  expect(() => plan.add(long)).toThrow(expect.objectContaining({ code: "session_behind", param: "text" }));
  const before = plan.next().length;
  expect(before).toBe(1);
  for (let n = 0; n < 200; n += 1) {
    plan.spoken(n);
    plan.next();
  }
  plan.add("It goes on and on. ".repeat(150));
});

test("a flush is told when all before it is spoken, though more waits; two in a row are one", () => {
  const plan = createSpeakPlan();
  plan.flush();
  expect(plan.takeEnd()).toBe("flushed");
  expect(plan.takeEnd()).toBeUndefined();
  plan.add("One thing to say");
  plan.flush();
  plan.flush();
  plan.add("another thing to say");
  plan.close();
  expect(plan.next()).toHaveLength(1);
  expect(plan.takeEnd()).toBeUndefined();
  plan.spoken(0);
  expect(plan.takeEnd()).toBe("flushed");
  expect(plan.takeEnd()).toBeUndefined();
  plan.next();
  plan.spoken(1);
  expect(plan.takeEnd()).toBe("closed");
  expect(() => plan.add("more")).toThrow(expect.objectContaining({ code: "session_ended" }));
});

test("an interruption forgets all that is not spoken, and what was begun of a sentence", () => {
  const plan = createSpeakPlan();
  plan.add("This is the first one. This is the second one. This is the th");
  plan.next();
  expect(plan.cancel()).toEqual([0, 1]);
  expect(plan.next()).toEqual([]);
  plan.add("Something else. Now ");
  expect(plan.next()).toMatchObject([{ n: 2, text: "Something else." }]);
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("add" as const), text: fc.lorem({ maxCount: 9 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("add" as const), text: fc.constantFrom(".", ". ", "! ", "\n\n") }),
  },
  { weight: 4, arbitrary: fc.constant({ do: "next" as const }) },
  { weight: 4, arbitrary: fc.constant({ do: "spoken" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "flush" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "cancel" as const }) },
);

test("whatever happens: every sentence is handed out once and in order, until somebody interrupts, and all of the text in the end", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const plan = createSpeakPlan();
      /** The text since the last flush or interruption, and what is to come of all before it. */
      let text = "";
      let expected: string[] = [];
      let handed: string[] = [];
      let underway: number[] = [];
      let last = -1;
      const next = () => {
        const group = plan.next();
        for (const sentence of group) {
          expect(sentence.n).toBeGreaterThan(last);
          last = sentence.n;
          handed.push(sentence.text);
          underway.push(sentence.n);
        }
        return group.length;
      };
      const flush = () => {
        plan.flush();
        expected.push(...cutText(text).map((piece) => piece.text));
        text = "";
      };
      for (const each of steps) {
        if (each.do === "add") {
          plan.add(each.text);
          text += each.text;
        } else if (each.do === "next") next();
        else if (each.do === "flush") flush();
        else if (each.do === "spoken") {
          const [n] = underway.splice(0, 1);
          if (n !== undefined) plan.spoken(n);
        } else {
          const dropped = plan.cancel();
          expect(dropped.slice(0, underway.length)).toEqual(underway);
          [text, expected, handed, underway] = ["", [], [], []];
          last = Math.max(last, ...dropped);
        }
        expect(underway.length).toBeLessThanOrEqual(8);
      }
      flush();
      for (let more = true; more; ) {
        more = next() > 0 || underway.length > 0;
        for (const n of underway.splice(0)) plan.spoken(n);
      }
      expect(handed).toEqual(expected);
      expect(plan.takeEnd()).toBe("flushed");
    }),
  );
});
