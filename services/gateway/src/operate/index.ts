/**
 * What those who run the machines see and do beside models and devices: the lanes, the newest batches, what was put aside, a batch
 * run again, and the events of all of it while it happens. Everything is read from the streams when it is asked for.
 *
 * Lists are answered in pages, and what many ask for is asked once. What it keeps is of callers that listen to events.
 */
export { addOperate } from "./operate-endpoints.ts";
