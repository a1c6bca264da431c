import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";

export type Log = Logger;

/** A service's logger: JSON lines, secrets cut out wherever they would appear. Default destination: standard output. */
export function createLog(service: string, level: string, destination?: DestinationStream): Log {
  const options: LoggerOptions = {
    name: service,
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
  return destination === undefined ? pino(options) : pino(options, destination);
}
