/** Folders as other programs lay them out, without a manifest: each layout is recognised by one file of this folder. */

/** What a recogniser may look at. */
export interface FolderView {
  /** Relative paths with `/`, of the folder and of its direct subfolders. */
  files: ReadonlySet<string>;
  /** Reads one of them; throws a SpeechError when it is not JSON. */
  readJson(path: string): Promise<unknown>;
}

/** A manifest without a name, and with files that no checksum is known for. */
export interface RecognisedModel {
  architecture: string;
  family: "asr" | "tts";
  description: string;
  languages: string[];
  /** False: it was not trained to translate, as others of its architecture were. */
  translates?: boolean;
  sampleRate: number;
  limits: { maxSegmentSeconds: number; maxBatchSize: number };
  /** Relative paths by role. A graph in another number format than it was made in: `<role>.int8`, `.float16`, `.int4`. */
  files: Record<string, string>;
  /**
   * Files that a role's graph refers to by name (external data), where they are not called `<graph>_data…` or
   * `<graph>.data`: those are found by themselves.
   */
  attachments?: Record<string, string[]>;
  /** Roles that nobody needs where another one is there, and that one: they are not downloaded. */
  replaceable?: Record<string, string>;
  /** Of the manifest, beside what every manifest has: what may be asked of the model, and what its architecture must know. */
  sections?: Readonly<Record<string, unknown>>;
}

/** Undefined: not this layout. Throws a SpeechError when it is, but something is missing. */
export type LayoutRecogniser = (folder: FolderView) => Promise<RecognisedModel | undefined>;
