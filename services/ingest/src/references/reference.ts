/** What a job says of the voice that it imitates. */
export interface Reference {
  /** Its checksum, under which it is kept. */
  id: string;
  /** What is said in it; empty: its sound alone is imitated. */
  text: string;
}
