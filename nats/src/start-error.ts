/** Why nats-server or its topology cannot be had: one sentence each, fit to be the only line that a user sees. */
export type StartProblem =
  | "server_not_found"
  | "server_too_old"
  | "server_failed"
  | "port_taken"
  | "folder_in_use"
  | "store_unwritable"
  | "store_full"
  | "no_jetstream"
  | "topology_conflict"
  | "bad_publisher";

export class NatsStartError extends Error {
  override readonly name = "NatsStartError";
  readonly problem: StartProblem;

  constructor(problem: StartProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}
