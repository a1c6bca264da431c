import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** A registry of a service's own: tests and several services in one process do not meet in a global one. */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  return registry;
}

export { Counter, Gauge, Histogram, Registry };
