/** Requests and answers by the names that the document has for them. */
import {
  batchListSchema,
  batchStatusSchema,
  cancelResponseSchema,
  deadLettersSchema,
  errorBodySchema,
  gpuStatusSchema,
  healthSchema,
  lanesSchema,
  modelChangeSchema,
  modelConfigSchema,
  modelConfigsSchema,
  modelRequestSchema,
  modelsSchema,
  operateEventSchema,
  replayResponseSchema,
  submitRequestSchema,
  submitResponseSchema,
  transcribeFileResponseSchema,
  transcribeRequestSchema,
  transcribeResponseSchema,
  transcriptSchema,
  uploadResponseSchema,
  voiceAnswerSchema,
  voiceDeletedSchema,
} from "@parlance/contracts";
import * as z from "zod";
import {
  clientSecretAnswerSchema,
  clientSecretRequestSchema,
  olderSessionAnswerSchema,
  olderSessionRequestSchema,
} from "../realtime/client-secret-endpoints.ts";
import { speechRequestSchema } from "../speech/speech-request.ts";
import {
  transcriptionJsonSchema,
  translationJsonSchema,
  verboseJsonSchema,
} from "../transcribe/openai/answer-schemas.ts";
import { transcriptionFormSchema, translationFormSchema } from "../transcribe/openai/openai-forms.ts";
import { transcribeFormSchema } from "../transcribe/transcribe-forms.ts";
import { voiceFormSchema, voiceRequestSchema } from "../voices/voice-requests.ts";

export const requests = {
  SubmitRequest: submitRequestSchema,
  TranscribeRequest: transcribeRequestSchema,
  TranscribeForm: transcribeFormSchema,
  TranscriptionForm: transcriptionFormSchema,
  TranslationForm: translationFormSchema,
  ModelRequest: modelRequestSchema,
  SpeechRequest: speechRequestSchema,
  VoiceForm: voiceFormSchema,
  VoiceRequest: voiceRequestSchema,
  ClientSecretRequest: clientSecretRequestSchema,
  OlderSessionRequest: olderSessionRequestSchema,
};
export const responses = {
  UploadResponse: uploadResponseSchema,
  SubmitResponse: submitResponseSchema,
  BatchStatus: batchStatusSchema,
  CancelResponse: cancelResponseSchema,
  TranscribeResponse: transcribeResponseSchema,
  TranscribeFileResponse: transcribeFileResponseSchema,
  Transcript: transcriptSchema,
  TranscriptionJson: transcriptionJsonSchema,
  TranslationJson: translationJsonSchema,
  VerboseJson: verboseJsonSchema,
  ClientSecretAnswer: clientSecretAnswerSchema,
  OlderSessionAnswer: olderSessionAnswerSchema,
  Voice: voiceAnswerSchema,
  VoiceDeleted: voiceDeletedSchema,
  Lanes: lanesSchema,
  BatchList: batchListSchema,
  DeadLetters: deadLettersSchema,
  ReplayResponse: replayResponseSchema,
  OperateEvent: operateEventSchema,
  GpuStatus: gpuStatusSchema,
  Health: healthSchema,
  Models: modelsSchema,
  ModelConfigs: modelConfigsSchema,
  ModelChange: modelChangeSchema,
  ModelConfig: modelConfigSchema,
  ErrorBody: errorBodySchema,
};

/** As JSON Schema. */
export function schemas(): Record<string, unknown> {
  return { ...schemasOf(requests, "input"), ...schemasOf(responses, "output") };
}

function schemasOf(schemas: Record<string, z.ZodType>, io: "input" | "output"): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
      return [name, rest];
    }),
  );
}
