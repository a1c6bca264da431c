import { runService } from "@parlance/telemetry";
import { transcribeWorkerService } from "./service.ts";

await runService(transcribeWorkerService);
