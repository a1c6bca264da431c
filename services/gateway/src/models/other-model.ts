/** A text is by another model than the one that was asked for. */
export class OtherModel extends Error {
  override readonly name = "OtherModel";
  /** By which it is. */
  readonly model: string;
  /** Something of it has reached its caller: it cannot be taken back. */
  readonly isTold: boolean;

  constructor(model: string, isTold: boolean) {
    super(`another model has answered: ${model}`);
    this.model = model;
    this.isTold = isTold;
  }
}
