/**
 * Core NATS, which stores nothing: requests, live subscriptions and answers (requests). What publishers ask is answered in both forms
 * of its subject (serve-requests), in bounded turns (turns).
 */
export * from "./serve-requests.ts";
export * from "./turns.ts";
