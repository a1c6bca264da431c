import { runService } from "@parlance/telemetry";
import { resultsService } from "./service.ts";

await runService(resultsService);
