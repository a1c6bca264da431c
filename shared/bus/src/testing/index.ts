export { bucketStream } from "../keys/key-bucket.ts";
export { type HandClock, handClock } from "./hand-clock.ts";
export { answerAsWorker, idleWorker } from "./idle-worker.ts";
export { changeStream, setAckWait } from "./jetstream-api.ts";
export { connectRaw, headerBlock, type RawPublisher } from "./raw-publisher.ts";
export { type ServiceProcess, type ServiceProcessOptions, startServiceProcess } from "./service-process.ts";
export { type TestRig, useTestServer } from "./test-server.ts";
