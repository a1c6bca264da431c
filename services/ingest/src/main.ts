import { runService } from "@parlance/telemetry";
import { ingestService } from "./service.ts";

await runService(ingestService);
