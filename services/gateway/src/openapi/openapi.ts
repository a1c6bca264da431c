/** The OpenAPI 3.1 document, made of the same zod schemas that check requests. */
import type { Json } from "./operation.ts";
import { paths } from "./paths.ts";
import { schemas } from "./schemas.ts";

export function openapiDocument(): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Parlance",
      version: "0.1.0",
      description:
        "Speech to text and text to speech over NATS JetStream. Errors have one shape and a stable code; answers with 408, 429, 503, 504 and 507 may be tried again, after Retry-After where it is given. The body of POST /api/v1/queue/submit (SubmitRequest) is also what a publisher sends over NATS, as JSON with Content-Type: application/json on speech.submit.<batchId> (a request, answered as here) or speech.intake.<source>.<batchId>; its status, cancelling and files are requests there too.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ apiKey: [] }, { bearer: [] }],
    paths: paths(),
    components: {
      schemas: schemas(),
      securitySchemes: {
        apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
        bearer: { type: "http", scheme: "bearer" },
      },
    },
  };
}
