import { expect, test } from "vitest";
import { fixture } from "../testing/sources.ts";
import { sniff } from "./sniff.ts";

test.each([
  ["mulaw.wav", "wav"],
  ["voice.mp3", "mp3"],
  ["voice-vbr-16k.mp3", "mp3"],
  ["voice.flac", "flac"],
  ["voice.ogg", "ogg"],
  ["voice.opus", "ogg"],
  ["voice.webm", "matroska"],
  ["voice.m4a", "mp4"],
  ["voice.aac", "aac"],
])("%s is %s", (name, format) => {
  const bytes = fixture(name);
  const start =
    Buffer.from(bytes.subarray(0, 3)).toString() === "ID3" ? 10 + ((bytes[8] ?? 0) << 7) + (bytes[9] ?? 0) : 0;
  expect(sniff(bytes.subarray(start, start + 4_096))).toEqual({ format });
});

test.each([
  ["a zip archive", Buffer.from("PK\x03\x04\x14\x00\x00\x00")],
  ["a PDF document", Buffer.from("%PDF-1.7\n")],
  ["a PNG image", Buffer.from("\x89PNG\r\n\x1a\n", "latin1")],
  ["a JPEG image", Buffer.from([0xff, 0xd8, 0xff, 0xe0])],
  ["JSON", Buffer.from('{"items": []}')],
  ["a web page", Buffer.from("<!doctype html><title>404</title>")],
  ["a playlist", Buffer.from("#EXTM3U\nfile:///etc/passwd\n")],
  ["text", Buffer.from("ffconcat version 1.0\nfile '/etc/passwd'\n")],
  ["text", Buffer.from("Grüße aus Köln")],
  ["an AIFF file", Buffer.from("FORM\0\0\0\0AIFF")],
  ["a RIFF file that is not WAV", Buffer.from("RIFF\0\0\0\0AVI LIST")],
  ["no known file type", Buffer.from([0, 1, 2, 3, 4, 5, 6, 7])],
])("names %s", (looksLike, bytes) => {
  expect(sniff(bytes)).toEqual({ looksLike });
});
