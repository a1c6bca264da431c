/** What was asked may have been done or not: the connection went away before its answer. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}
