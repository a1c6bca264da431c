/** What a job says of the voice that it imitates. */
export interface Reference {
  /** Its checksum, under which it is kept. */
  id: string;
  /** What is said in it; empty: its sound alone is imitated. */
  text: string;
  /** What is spoken in it, by its English name; `auto` where nobody said. */
  language: string;
}
