import { type Logger, pino } from "pino";

export type Log = Logger;

/** A service's logger: JSON lines on standard output, secrets cut out wherever they would appear. */
export function createLog(service: string, level: string): Log {
  return pino({
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
  });
}
