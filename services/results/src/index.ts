export * from "./results.ts";
export { resultsService } from "./service.ts";
