import { describe, expect, it, test } from "vitest";
import { speechOperations } from "../rest/speech.ts";
import {
  audioFileId,
  fileIdSchema,
  parseAudioFileId,
  parseSegmentFileId,
  parseTranscriptFileId,
  segmentFileId,
  tokenSchema,
  transcriptFileId,
} from "./identifiers.ts";

describe("transcript file ids", () => {
  it("are file ids for every batch and item id, and name them", () => {
    const longest = "b".repeat(64);
    const id = transcriptFileId(longest, longest);
    expect(fileIdSchema.safeParse(id).success).toBe(true);
    expect(parseTranscriptFileId(id)).toEqual({ batchId: longest, itemId: longest });
    expect(parseTranscriptFileId("84c08fb9-5d57-4073-960b-2e6c53faad78")).toBeUndefined();
  });
});

describe("audio file ids", () => {
  const longest = "b".repeat(64);

  it("are file ids for every batch and item id, and name their item and format", () => {
    for (const operation of speechOperations) {
      const id = audioFileId(operation, longest, longest, "opus");
      expect(fileIdSchema.safeParse(id).success).toBe(true);
      expect(parseAudioFileId(id)).toEqual({ operation, batchId: longest, itemId: longest, format: "opus" });
    }
    expect(parseAudioFileId("queue_transcribe_b.i.json")).toBeUndefined();
    expect(parseAudioFileId("queue_custom_voice_b.i.exe")).toBeUndefined();
    expect(parseTranscriptFileId(audioFileId("custom_voice", "b", "i", "wav"))).toBeUndefined();
  });

  it("a segment's is told from every other file", () => {
    const id = segmentFileId(longest, longest, 13);
    expect(fileIdSchema.safeParse(id).success).toBe(true);
    expect(parseSegmentFileId(id)).toEqual({ batchId: longest, itemId: longest, n: 13 });
    expect(parseSegmentFileId("84c08fb9-5d57-4073-960b-2e6c53faad78")).toBeUndefined();
  });
});

test("an identifier can neither widen a subject nor end it", () => {
  for (const bad of ["", "*", ">", "a.b", "a b", "é", "x".repeat(65)])
    expect(tokenSchema.safeParse(bad).success).toBe(false);
});
