export * from "./gateway.ts";
export { type GatewaySettings, gatewaySettings } from "./gateway-context.ts";
export { gatewayService } from "./service.ts";
