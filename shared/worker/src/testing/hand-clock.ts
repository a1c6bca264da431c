export { type HandClock, handClock } from "@parlance/bus/testing";
