import { runService } from "@parlance/telemetry";
import { ttsWorkerService } from "./service.ts";

await runService(ttsWorkerService);
