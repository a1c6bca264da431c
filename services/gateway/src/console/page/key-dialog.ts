/** Asks for the key. It is kept in this tab alone. */
import { apiKey, keepApiKey } from "./api.ts";
import { h, say } from "./dom.ts";

export function createKeyDialog(): { ask(wrong: boolean): Promise<void>; button: HTMLButtonElement } {
  const input = h("input", { type: "password", name: "key", autocomplete: "off", required: true, spellcheck: "false" });
  const told = h("p", { class: "soft" });
  const form = h(
    "form",
    { class: "stack", method: "dialog" },
    h("h2", { id: "key-title" }, "API key"),
    told,
    h("label", { class: "field" }, "Key", input),
    h("div", { class: "row" }, h("button", { class: "main" }, "Use this key")),
    h("p", { class: "faint" }, "It is kept until this tab is closed, and sent to this gateway alone."),
  );
  const dialog = h("dialog", { "aria-labelledby": "key-title" }, form);
  const button = h("button", { type: "button", class: "plain", onclick: () => void open("", []) }, "Key");
  document.body.append(dialog);
  let waiting: (() => void)[] = [];

  function open(sentence: string, resolvers: (() => void)[]): void {
    say(told, sentence || "Requests are sent with this key.");
    waiting.push(...resolvers);
    if (dialog.open) return;
    input.value = apiKey();
    dialog.showModal();
    input.select();
  }

  form.addEventListener("submit", () => keepApiKey(input.value.trim()));
  dialog.addEventListener("close", () => {
    const resolvers = waiting;
    waiting = [];
    for (const resolve of resolvers) resolve();
  });
  dialog.addEventListener("cancel", (event) => {
    // Without a key nothing can be shown.
    if (waiting.length > 0) event.preventDefault();
  });

  return {
    button,
    ask: (wrong) =>
      new Promise((resolve) =>
        open(wrong ? "That key is not one of this gateway's." : "This gateway asks for a key.", [resolve]),
      ),
  };
}
