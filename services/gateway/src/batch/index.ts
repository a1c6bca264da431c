/**
 * Batches: taken in once, followed until their items are done, cancelled when nobody waits for them any more.
 *
 * A batch is stored on INTAKE before its caller is answered, under an id that makes a second publish harmless. A request that
 * waits (`withInteractiveBatch`) is a batch of its own on the interactive lane. The results service keeps the status.
 */
export { addQueue } from "./queue-endpoints.ts";
export { createQueueGauge } from "./queue-gauge.ts";
