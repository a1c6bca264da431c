import { runService } from "@parlance/telemetry";
import { gatewayService } from "./service.ts";

await runService(gatewayService);
