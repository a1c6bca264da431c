/** Those who asked for the model to be loaded and wait for the answer. They count like an interactive job. */
export interface LoadWishes {
  /** Since when the oldest waits, milliseconds since the epoch; undefined when nobody does. */
  readonly since: number | undefined;
  /** Resolves once it is loaded, with false when another worker of the family loads it. Rejects with what went wrong. */
  add(): Promise<boolean>;
  loaded(): void;
  elsewhere(): void;
  failed(error: Error): void;
}

interface Wish {
  since: number;
  resolve(here: boolean): void;
  reject(error: Error): void;
}

export function createLoadWishes(now: () => number = Date.now): LoadWishes {
  let wishes: Wish[] = [];
  const settle = (how: (wish: Wish) => void) => {
    const settled = wishes;
    wishes = [];
    settled.forEach(how);
  };
  return {
    get since() {
      return wishes[0]?.since;
    },
    add: () => new Promise((resolve, reject) => wishes.push({ since: now(), resolve, reject })),
    loaded: () => settle((wish) => wish.resolve(true)),
    elsewhere: () => settle((wish) => wish.resolve(false)),
    failed: (error) => settle((wish) => wish.reject(error)),
  };
}
