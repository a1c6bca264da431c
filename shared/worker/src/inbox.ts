/** What happens, one thing after another: what comes while something is dealt with waits for its turn, and all of it until somebody takes. */
export interface Inbox<News> {
  put(news: News): void;
  /** To be called once. */
  open(take: (news: News) => void): void;
}

export function createInbox<News>(): Inbox<News> {
  const waiting: News[] = [];
  let take: ((news: News) => void) | undefined;
  let busy = false;

  function empty(): void {
    if (take === undefined || busy) return;
    busy = true;
    try {
      for (let news = waiting.shift(); news !== undefined; news = waiting.shift()) take(news);
    } finally {
      busy = false;
    }
  }

  return {
    put(news) {
      waiting.push(news);
      empty();
    },
    open(taker) {
      take = taker;
      empty();
    },
  };
}
