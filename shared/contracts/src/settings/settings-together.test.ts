import { describe, expect, it } from "vitest";
import { readSettings } from "./read-settings.ts";
import { requireAgreement, settingsTogether } from "./settings-together.ts";

describe("settings together", () => {
  it("the defaults agree, and so does what knows only a part of them", () => {
    requireAgreement(readSettings(settingsTogether, {}));
    requireAgreement({});
    requireAgreement({ NATS_REPLICAS: 3 });
    requireAgreement({ MAX_UPLOAD_BYTES: 1e12 });
  });

  it.each([
    [{ NATS_REPLICAS: "3" }, /^LEASE_TTL: is 10 s; with NATS_REPLICAS=3 it must be 15 s or more, because /],
    [{ NATS_REPLICAS: "3", LEASE_TTL: "14" }, /^LEASE_TTL: is 14 s/],
    [{ FILE_TTL: "61", RESULT_TTL: "60" }, /^FILE_TTL: is 61 s and RESULT_TTL 60 s: /],
    [{ MAX_UPLOAD_BYTES: "2000000", FILES_MAX_BYTES: "1048576" }, /^MAX_UPLOAD_BYTES: is 2000000 and FILES_MAX_BYTES/],
  ])("%o do not agree", (environment, sentence) => {
    expect(() => requireAgreement(readSettings(settingsTogether, environment))).toThrow(sentence);
  });

  it("a cluster with a lease of 15 s agrees", () => {
    requireAgreement(readSettings(settingsTogether, { NATS_REPLICAS: "3", LEASE_TTL: "15" }));
  });
});

it("the longest audio that is allowed fits every limit of bytes by default, as whatever it comes", () => {
  const { MAX_AUDIO_SECONDS, MAX_AUDIO_BYTES, MAX_UPLOAD_BYTES, FILES_MAX_BYTES } = readSettings(
    ["MAX_AUDIO_SECONDS", "MAX_AUDIO_BYTES", "MAX_UPLOAD_BYTES", "FILES_MAX_BYTES"],
    {},
  );
  const bytesPerSecond = { recorder: 16_000 * 2, disc: 44_100 * 2 * 2 };
  for (const rate of Object.values(bytesPerSecond)) {
    expect(MAX_AUDIO_SECONDS * rate + 4_096).toBeLessThan(MAX_UPLOAD_BYTES);
  }
  expect(MAX_AUDIO_BYTES).toBe(MAX_UPLOAD_BYTES);
  expect(FILES_MAX_BYTES).toBeGreaterThanOrEqual(4 * MAX_UPLOAD_BYTES);
});
