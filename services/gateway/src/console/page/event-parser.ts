/** Server-sent events out of a text that comes in pieces. Pure. Comments, which keep a connection open, are left out. */
export function createEventParser<Event>(): (piece: string) => Event[] {
  let rest = "";
  return (piece) => {
    const blocks = (rest + piece).split("\n\n");
    rest = blocks.pop() ?? "";
    return blocks.filter((block) => block.startsWith(DATA)).map((block): Event => JSON.parse(block.slice(DATA.length)));
  };
}

const DATA = "data: ";
