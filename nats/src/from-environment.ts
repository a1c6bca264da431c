/** A value of the configuration that the server reads from its environment. */
export class FromEnvironment {
  readonly variable: string;
  constructor(variable: string) {
    this.variable = variable;
  }
}
