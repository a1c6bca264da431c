export { createIngest, type Ingest, type IngestOptions, type IngestSettings, ingestSettings } from "./ingest.ts";
