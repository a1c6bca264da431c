import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { createStandardOutput } from "./standard-output.ts";

export type Log = Logger;

export interface LogOptions {
  /** Which one of the service it is, told as `name`. Default: the service. */
  instance?: string;
  /** Default: standard output, one for all logs of the process, so that their lines stay whole. */
  destination?: DestinationStream;
}

const standardOutput = createStandardOutput();

/** A service's logger: JSON lines, secrets cut out wherever they would appear. */
export function createLog(service: string, level: string, { instance, destination }: LogOptions = {}): Log {
  const options: LoggerOptions = {
    name: instance ?? service,
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        "req.headers.authorization",
        'req.headers["x-api-key"]',
        "headers.authorization",
        'headers["x-api-key"]',
        "password",
        "*.password",
        "apiKeys",
        "*.apiKeys",
      ],
      censor: "[secret]",
    },
  };
  return pino(options, destination ?? standardOutput);
}
