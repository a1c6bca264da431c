/**
 * References: recordings whose voice is imitated, and how a job carries one to its worker.
 *
 * A reference is mono PCM16 at REFERENCE_SAMPLE_RATE, decoded and looked at once (by ingest), and kept in the bucket `references` under
 * the checksum of its samples. So the same recording is there once, whoever sends it and how often, and whatever is made of it can be kept
 * by that name. A job of `voice_clone` has:
 *
 *   payload                    the text alone, UTF-8
 *   Parlance-Reference         the reference's id
 *   Parlance-Reference-Text    what is said in it; absent: its sound alone is to be imitated
 *   Parlance-Voice             the id of the stored voice that the reference is; absent where it was sent with the text
 *
 * A worker fetches the reference before the job may be run, and hands it to its engine as the row's payload, with its id. Where the job names
 * a stored voice, the worker looks first whether it is still there and is still that reference: a voice that was deleted speaks no more,
 * whatever waits in the queue (`voice_deleted`).
 *
 * A reference that no stored voice is goes some time after its last use, never while a job that names it may still be run.
 */
import * as z from "zod";

/** Checksum (SHA-256, hexadecimal) of a reference's samples as bytes: also its object's name in the bucket `references`. */
export const referenceIdSchema = z.string().regex(/^[0-9a-f]{64}$/, "is not a reference's checksum");

/** A reference travels and is kept as mono signed 16-bit little-endian PCM at this rate. */
export const REFERENCE_SAMPLE_RATE = 24_000;

/** How long a reference recording may be. */
export const REFERENCE_SECONDS = { shortest: 0.5, longest: 60 } as const;
