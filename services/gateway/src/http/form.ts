/**
 * A multipart form with one file, read as it arrives: nothing touches the disk, and whatever takes the file decides how
 * much of it is in memory. Fields may come before or after the file. Every bound is told by its own error.
 */
import type { IncomingMessage } from "node:http";
import { Busboy, type BusboyFileStream } from "@fastify/busboy";
import { SpeechError } from "@parlance/contracts";

export interface FormFile {
  /** The caller's name for it, without folders or control characters. Metadata: never a path. */
  filename: string;
  contentType: string;
  content: AsyncIterable<Uint8Array>;
}

export interface FormOptions<Taken> {
  /** Field names under which the file may come. */
  fileFields: readonly string[];
  /** Fields of which a beginning is enough: no error, however long they are. */
  cutFields?: readonly string[] | undefined;
  maxFileBytes: number;
  /** Must read the content to its end or throw. */
  take: (file: FormFile) => Promise<Taken>;
}

export interface Form<Taken> {
  /** Name → values in order. A trailing `[]` or `[0]` is cut off the name, as some clients write lists. */
  fields: ReadonlyMap<string, readonly string[]>;
  taken: Taken;
}

const MAX_FIELDS = 64;
const MAX_FIELD_BYTES = 65_536;
const MAX_FIELDS_BYTES = 524_288;
/** What reading a form takes of memory: its fields, and the parts of its file that are on their way to the store. */
export const FORM_BYTES = 1_048_576;
/** What boundaries, headers and fields may add to the file. */
const MAX_OVERHEAD_BYTES = 2 * 1_048_576;

/** Rejects with a SpeechError; the file that was taken by then is handed to `discard`. */
export async function readForm<Taken>(
  request: IncomingMessage,
  options: FormOptions<Taken> & { discard: (taken: Taken) => Promise<void> },
): Promise<Form<Taken>> {
  const { maxFileBytes } = options;
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > maxFileBytes + MAX_OVERHEAD_BYTES) throw tooLarge(maxFileBytes);
  const parser = createParser(request, options);
  const fields = new Map<string, string[]>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let taking: Promise<Taken> | undefined;
  let received = 0;
  let fieldBytes = 0;

  const fail = (error: unknown) => failed.reject(error);
  const finished = new Promise<void>((resolve) => parser.on("finish", resolve));
  parser.on("error", (error) => fail(unreadable(error)));
  parser.on("fieldsLimit", () => fail(unreadable(undefined, `The form has more than ${MAX_FIELDS} fields.`)));
  parser.on("partsLimit", () => fail(unreadable(undefined, "The form has too many parts.")));
  parser.on("filesLimit", () =>
    fail(new SpeechError("validation_failed", "Send one file only.", { param: options.fileFields[0] })),
  );
  // A part may lack its name, whatever the parser's types say; what is thrown here would end the process.
  parser.on("field", (name: string | undefined, value, _nameTruncated, valueTruncated) => {
    if (name === undefined) {
      fail(unreadable(undefined, "A part of the form has no name."));
      return;
    }
    const field = name.replace(/\[\d{0,4}\]$/, "");
    if (valueTruncated && !options.cutFields?.includes(field)) {
      fail(
        new SpeechError("payload_too_large", `${shown(field)} is longer than ${MAX_FIELD_BYTES} bytes.`, {
          param: shown(field),
        }),
      );
      return;
    }
    fieldBytes += Buffer.byteLength(value);
    if (fieldBytes > MAX_FIELDS_BYTES) {
      fail(new SpeechError("payload_too_large", `The fields are longer than ${MAX_FIELDS_BYTES} bytes together.`));
      return;
    }
    const values = fields.get(field) ?? [];
    fields.set(field, values);
    values.push(value);
  });
  parser.on("file", (name: string | undefined, stream, filename, _encoding, contentType) => {
    stream.on("limit", () => fail(tooLarge(maxFileBytes)));
    if (name === undefined || !options.fileFields.includes(name)) {
      stream.on("error", () => undefined).resume();
      fail(
        new SpeechError(
          "validation_failed",
          `${shown(name)} is not expected: send the file as ${options.fileFields[0]}.`,
          {
            param: shown(name),
          },
        ),
      );
      return;
    }
    taking = options.take({ filename: plainName(filename), contentType, content: readWhole(stream, failed.promise) });
    taking.catch(fail);
  });
  request.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (received > maxFileBytes + MAX_OVERHEAD_BYTES) fail(tooLarge(maxFileBytes));
  });
  request.on("error", fail);
  request.on("aborted", () => fail(unreadable(undefined, "The body ended early.")));
  request.pipe(parser);

  try {
    await Promise.race([finished, failed.promise]);
    if (taking === undefined) {
      throw new SpeechError("validation_failed", `${options.fileFields[0]}: is required: send a file`, {
        param: options.fileFields[0],
      });
    }
    return { fields, taken: await taking };
  } catch (error) {
    fail(error);
    request.unpipe(parser);
    await taking?.then(options.discard).catch(() => undefined);
    throw error;
  }
}

function createParser(request: IncomingMessage, { maxFileBytes, fileFields }: FormOptions<unknown>) {
  const contentType = request.headers["content-type"] ?? "";
  if (!/^multipart\/form-data\b/i.test(contentType)) {
    throw new SpeechError("unsupported_media_type", "Send the audio as multipart/form-data.");
  }
  try {
    return new Busboy({
      headers: { ...request.headers, "content-type": contentType },
      // By its name alone: clients that send bytes or a stream leave out the filename, the type, or both.
      isPartAFile: (name, _type, filename) =>
        filename !== undefined || (name !== undefined && fileFields.includes(name)),
      limits: {
        fieldNameSize: 100,
        fieldSize: MAX_FIELD_BYTES,
        fields: MAX_FIELDS,
        fileSize: maxFileBytes,
        files: 1,
        parts: MAX_FIELDS + 2,
        headerPairs: 32,
        headerSize: 8_192,
      },
    });
  } catch (error) {
    throw unreadable(error, "The Content-Type names no boundary.");
  }
}

/** Ends when the file does; throws what stopped the form, so that nobody waits for the rest of a file that never comes. */
async function* readWhole(stream: BusboyFileStream, failed: Promise<never>): AsyncGenerator<Uint8Array, void> {
  failed.catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined));
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    throw error instanceof SpeechError ? error : unreadable(error);
  }
}

function unreadable(cause: unknown, message?: string): SpeechError {
  return new SpeechError("invalid_multipart", message, { cause });
}

function tooLarge(maxBytes: number): SpeechError {
  return new SpeechError("payload_too_large", `The file is larger than ${maxBytes} bytes.`);
}

/** A caller's field name, fit to be told back. */
function shown(name: string | undefined): string {
  return plainName(name).slice(0, 64) || "a field";
}

function plainName(filename: string | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this takes out
  const plain = (filename ?? "").replaceAll(/[\u0000-\u001f\u007f]/g, "");
  return (plain.split(/[/\\]/).at(-1) ?? "").slice(0, 255);
}
