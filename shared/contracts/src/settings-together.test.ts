import { describe, expect, it } from "vitest";
import { readSettings } from "./settings.ts";
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
