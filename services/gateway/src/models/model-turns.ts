/**
 * Whose turn it is, among requests that want different models of a family: a pure machine. One model is loaded at a time.
 *
 * Requests of the model that is there run, as many as come, until one waits that wants another: from then on nobody overtakes it. When
 * what runs has ended, the oldest that waits says which model is next, and every request that waits for that one has its turn with it.
 * So a request waits for the turns of those models at most that older ones want, and a turn serves all that waited for it.
 *
 * Requests that name no model run with whichever is there, in the same order. While a model is changed nobody runs.
 */

export interface Turn {
  readonly id: number;
  /** Undefined: whichever is there. */
  readonly model: string | undefined;
}

export interface TurnState {
  /** The model that is there, as far as is known. */
  readonly model: string | undefined;
  /** The one that is being loaded. */
  readonly changing: string | undefined;
  readonly running: readonly Turn[];
  /** Oldest first. */
  readonly waiting: readonly Turn[];
}

export type TurnEvent =
  | { type: "come"; turn: Turn }
  /** It has ended, or its caller went away. */
  | { type: "left"; id: number }
  /** What the workers say that is there; while it is being changed they may say either. */
  | { type: "seen"; model: string }
  /** The one that is being loaded cannot be. What is there instead is still to come. */
  | { type: "failed" }
  /** What is there from now on, where that is known. */
  | { type: "changed"; model: string | undefined };

export type TurnEffect =
  | { do: "run"; id: number }
  | { do: "change"; model: string }
  /** It waited for a model that cannot be loaded. */
  | { do: "refuse"; id: number };

export const noTurns: TurnState = { model: undefined, changing: undefined, running: [], waiting: [] };

export function nextTurns(before: TurnState, event: TurnEvent): [TurnState, TurnEffect[]] {
  const [state, refused] = hear(before, event);
  if (state.changing !== undefined) return [state, refused];
  const [next, effects] = goOn(state, event.type === "changed");
  return [next, [...refused, ...effects]];
}

function hear(state: TurnState, event: TurnEvent): [TurnState, TurnEffect[]] {
  const { running, waiting } = state;
  switch (event.type) {
    case "come":
      return [{ ...state, waiting: [...waiting, event.turn] }, []];
    case "left": {
      const others = (turns: readonly Turn[]) => turns.filter(({ id }) => id !== event.id);
      return [{ ...state, running: others(running), waiting: others(waiting) }, []];
    }
    case "seen":
      return [state.changing === undefined ? { ...state, model: event.model } : state, []];
    case "changed":
      return [{ ...state, model: event.model, changing: undefined }, []];
    case "failed": {
      const meant = waiting.filter(({ model }) => model === state.changing);
      const left = waiting.filter((turn) => !meant.includes(turn));
      const refused = meant.map(({ id }): TurnEffect => ({ do: "refuse", id }));
      return [{ ...state, waiting: left }, refused];
    }
  }
}

function goOn(state: TurnState, isNew: boolean): [TurnState, TurnEffect[]] {
  const { model, running, waiting } = state;
  const fits = (turn: Turn) => turn.model === undefined || turn.model === model;
  const first = waiting[0];
  if (first === undefined) return [state, []];
  const begins = running.length === 0 && (fits(first) || (isNew && waiting.some(fits)));
  // A new turn is everybody's who waits for it; one that goes on is theirs before whom nobody waits for another.
  const firstOther = waiting.findIndex((turn) => !fits(turn));
  const ahead = firstOther === -1 ? waiting : waiting.slice(0, firstOther);
  const admitted = begins ? waiting.filter(fits) : ahead;
  if (admitted.length === 0) {
    if (running.length > 0 || first.model === undefined) return [state, []];
    return [{ ...state, changing: first.model }, [{ do: "change", model: first.model }]];
  }
  return [
    { ...state, running: [...running, ...admitted], waiting: waiting.filter((turn) => !admitted.includes(turn)) },
    admitted.map(({ id }) => ({ do: "run", id })),
  ];
}
