/** An accelerator: who has it, who waits for it, and its last minutes. */
import type { GpuStatus } from "@parlance/contracts";
import { fill, h, say } from "./dom.ts";
import { age, deviceName, plural } from "./format.ts";
import { createLeaseTimeline } from "./lease-timeline.ts";

type Device = GpuStatus["devices"][number];

export interface DeviceCard {
  element: HTMLElement;
  tell(device: Device): void;
}

export function createDeviceCard({ device }: Device, signal: AbortSignal): DeviceCard {
  const timeline = createLeaseTimeline(signal);
  const [says, hosts, swaps] = [h("span", { class: "soft" }), h("p", { class: "faint" }), h("span", {})];
  const waits = h("p", { class: "faint" });
  const name = device === "cpu" ? "CPU" : deviceName(device);
  const key = (kind: string, meaning: string) => h("span", {}, h("i", { class: `key ${kind}` }), meaning);
  const element = h(
    "section",
    { class: "card stack", "aria-label": name },
    h("div", { class: "row spread" }, h("p", {}, h("b", {}, name), " ", says), hosts),
    timeline.element,
    h("div", { class: "legend" }, key("", "hears"), key("tts", "speaks"), key("swap", "is being loaded"), swaps),
    waits,
  );
  return {
    element,
    tell(told) {
      say(says, sentenceOf(told));
      say(hosts, told.hosts.join(", "));
      say(swaps, plural(told.swaps.count, "swap"));
      const waiting = told.waiting.map(
        ({ family, lane, since }) =>
          `${family === "asr" ? "Hearing" : "Speaking"} waits for it, ${lane}, since ${age(since)}.`,
      );
      waits.hidden = waiting.length === 0;
      fill(waits, waiting.join(" "));
      timeline.tell(told);
    },
  };
}

function sentenceOf({ holder }: Device): string {
  if (holder === null) return "is free: nothing is loaded.";
  return `${holder.loaded ? "has" : "is loading"} ${holder.model}, since ${age(holder.since)}.`;
}
