/** Words on the way from labels to a transcript, with their places in frames. */
export interface SpokenWord {
  text: string;
  /** Its first frame and the one behind its last. */
  start: number;
  end: number;
  /** Labels that it is made of. */
  labels: number;
  /** How much worse it fits than free labels in its place: natural log for each label. */
  misfit: number;
}
