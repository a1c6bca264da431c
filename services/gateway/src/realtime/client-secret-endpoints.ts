/** POST /v1/realtime/client_secrets, and what it was before: /v1/realtime/transcription_sessions. */
import { randomUUID } from "node:crypto";
import type Router from "@koa/router";
import type { Context } from "koa";
import * as z from "zod";
import { type GatewayContext, requireTranscription } from "../gateway-context.ts";
import { type ClientSecrets, SECRET_SECONDS } from "./client-secrets.ts";
import type { FindModel } from "./find-model.ts";
import { fromOlder, olderSessionSchema, shownOlder } from "./older-session.ts";
import { newSession, type SessionUpdate, sessionUpdateSchema, shownSession, updated } from "./session-config.ts";

const lifetimeSchema = z.object({
  anchor: z.literal("created_at").default("created_at"),
  seconds: z.number().int().min(SECRET_SECONDS.shortest).max(SECRET_SECONDS.longest).default(SECRET_SECONDS.usual),
});

export const clientSecretRequestSchema = z.object({
  expires_after: lifetimeSchema.nullish().describe("For how long sessions may be opened with it; they outlive it"),
  session: sessionUpdateSchema.optional().describe("What its sessions are to be, as in session.update"),
});

export const olderSessionRequestSchema = olderSessionSchema.extend({
  client_secret: z.object({ expires_at: lifetimeSchema.nullish() }).nullish(),
});

export const clientSecretAnswerSchema = z.object({
  value: z.string().describe("ek_…: a key for /v1/realtime alone, for any number of sessions"),
  expires_at: z.number().int().describe("Seconds since the epoch"),
  session: z.looseObject({ id: z.string(), object: z.string(), type: z.literal("transcription") }),
});

export const olderSessionAnswerSchema = z.looseObject({
  id: z.string(),
  object: z.literal("realtime.transcription_session"),
  client_secret: clientSecretAnswerSchema.omit({ session: true }),
});

export interface ClientSecretEndpointOptions {
  secrets: ClientSecrets;
  findModel: FindModel;
  /** Milliseconds that a session may last. */
  lastsMs: number;
}

export function addClientSecrets(
  router: Router,
  gateway: Pick<GatewayContext, "readJson" | "settings" | "now">,
  { secrets, findModel, lastsMs }: ClientSecretEndpointOptions,
): void {
  const { readJson, settings, now } = gateway;

  async function make(
    ctx: Context,
    session: SessionUpdate,
    lifetime: z.output<typeof lifetimeSchema> | null | undefined,
  ) {
    requireTranscription(settings);
    const config = updated(newSession, session);
    if (config.transcription.model) await findModel(config.transcription.model);
    const expiresAt = now() + (lifetime?.seconds ?? SECRET_SECONDS.usual) * 1_000;
    const { owner } = ctx.state;
    const value = await secrets.make({
      ...(typeof owner === "string" ? { owner } : {}),
      expiresAt,
      session: z.json().parse(JSON.parse(JSON.stringify(session))),
    });
    return { value, expires_at: Math.floor(expiresAt / 1_000), config };
  }

  router.post("/v1/realtime/client_secrets", async (ctx) => {
    const { expires_after, session = sessionUpdateSchema.parse({}) } = await readJson(ctx, clientSecretRequestSchema, {
      nulls: "kept",
    });
    const { value, expires_at, config } = await make(ctx, session, expires_after);
    ctx.body = { value, expires_at, session: shownSession(config, `sess_${randomUUID()}`, now() + lastsMs) };
  });

  router.post("/v1/realtime/transcription_sessions", async (ctx) => {
    const { client_secret, ...session } = await readJson(ctx, olderSessionRequestSchema, { nulls: "kept" });
    const { value, expires_at, config } = await make(ctx, fromOlder(session), client_secret?.expires_at);
    ctx.body = {
      id: `sess_${randomUUID()}`,
      object: "realtime.transcription_session",
      modalities: ["audio", "text"],
      ...shownOlder(config),
      client_secret: { value, expires_at },
    };
  });
}
