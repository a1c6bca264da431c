/**
 * Requests and answers, whatever they are about. Bodies and forms are read within bounds of bytes, memory and time. Keys and the
 * origins of web pages are checked before a body is read. Every error leaves as JSON of one shape, and every request is logged once.
 *
 * A request passes these in the order of `gateway.ts`. What they keep is of requests in flight, and of what is known of NATS.
 */
export {
  type AccessRules,
  createAccess,
  createAccessRules,
  requireKeysBeyondLoopback,
  requireKeysForAnyOrigin,
} from "./access.ts";
export { createBodyBudget } from "./body-budget.ts";
export { type Closing, createClosing } from "./closing.ts";
export { createCors, type IsListedOrigin, listOrigins } from "./cors.ts";
export { createErrorResponses } from "./error-responses.ts";
export { createGatewayMetrics, type GatewayMetrics } from "./gateway-metrics.ts";
export { answerByHand, createHttpServer, type HttpLimits } from "./http-server.ts";
export { createReadJson } from "./json-body.ts";
export { createRequestLog } from "./request-log.ts";
export { createRequireBus, requireBus } from "./require-bus.ts";
export { createStorage } from "./storage.ts";
export { tellWarnings } from "./warnings.ts";
