export { createIngest, type Ingest, type IngestOptions, type IngestSettings, ingestSettings } from "./ingest.ts";
export { ingestService } from "./service.ts";
