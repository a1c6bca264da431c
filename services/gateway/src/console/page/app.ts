/**
 * The console. Each view is a function that gets an element and a signal: it fills the one, and stops everything that it began when
 * the other aborts. The address tells which view is shown, so that each can be linked to and gone back to.
 */
import { onKeyWanted } from "./api.ts";
import { batchView } from "./batch-view.ts";
import { batchesView } from "./batches-view.ts";
import { deadLettersView } from "./dead-letters-view.ts";
import { fill, h } from "./dom.ts";
import { createKeyDialog } from "./key-dialog.ts";
import { machinesView } from "./machines-view.ts";
import { modelsView } from "./models-view.ts";
import { speakView } from "./speak-view.ts";
import { showState } from "./state-line.ts";
import { themeButton } from "./theme.ts";
import { transcribeView } from "./transcribe-view.ts";

export type View = (main: HTMLElement, signal: AbortSignal, rest: string) => void;

const views: Readonly<Record<string, { title: string; show: View; under: string }>> = {
  transcribe: { title: "Transcribe", show: transcribeView, under: "transcribe" },
  speak: { title: "Speak", show: speakView, under: "speak" },
  operate: { title: "Operate", show: machinesView, under: "operate" },
  batches: { title: "Batches", show: batchesView, under: "operate" },
  batch: { title: "Batch", show: batchView, under: "operate" },
  dead: { title: "Dead letters", show: deadLettersView, under: "operate" },
  models: { title: "Models", show: modelsView, under: "operate" },
};

const main = byId("main");
const links = ["transcribe", "speak", "operate"].map((name) =>
  h("a", { href: `#/${name}` }, views[name]?.title ?? name),
);
let leaving = new AbortController();

function show(): void {
  const [, name = "transcribe", rest = ""] = /^#\/(\w+)\/?(.*)$/.exec(location.hash) ?? [];
  const view = views[name] ?? views.transcribe;
  if (view === undefined) return;
  leaving.abort();
  leaving = new AbortController();
  document.title = `${view.title} · Parlance`;
  for (const link of links) {
    if (link.hash === `#/${view.under}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  fill(main);
  view.show(main, leaving.signal, decodeURIComponent(rest));
}

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`there is no #${id}`);
  return element;
}

const key = createKeyDialog();
onKeyWanted(key.ask);
fill(byId("views"), ...links);
fill(byId("tools"), key.button, themeButton());
// Where the address tells the view, a link inside the page is none.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => {
  show();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
show();
showState(byId("state"));
