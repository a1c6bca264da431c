/** What this gateway offers, for programs: one OpenAPI document, made of the schemas that the endpoints check by. */
export { addOpenapi } from "./openapi-endpoint.ts";
