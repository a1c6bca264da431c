/** TLS in front of a server that has none, as a proxy would stand there: OpenAI's clients open their realtime sockets over nothing else. */
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer } from "node:tls";

export interface TlsFront {
  /** https://localhost:port */
  url: string;
  /** By which it is trusted. */
  ca: string;
  close(): Promise<void>;
}

export async function startTlsFront(target: string): Promise<TlsFront> {
  const { key, certificate } = selfSigned("localhost");
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer({ key, cert: certificate }, (outside) => {
    const inside = connect(Number(port), hostname);
    for (const [from, to] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      open.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    ca: certificate,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];

/** A certificate for one host name (RFC 5280), good for a century, and its key; both as PEM. */
function selfSigned(host: string): { key: string; certificate: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const algorithm = der(0x30, der(0x06, ECDSA_WITH_SHA256));
  const name = der(0x30, der(0x31, der(0x30, der(0x06, COMMON_NAME), der(0x0c, Buffer.from(host)))));
  const validity = der(0x30, der(0x18, Buffer.from("20200101000000Z")), der(0x18, Buffer.from("21200101000000Z")));
  const hosts = der(0x04, der(0x30, der(0x82, Buffer.from(host))));
  const extensions = der(0xa3, der(0x30, der(0x30, der(0x06, SUBJECT_ALT_NAME), hosts)));
  const key = publicKey.export({ type: "spki", format: "der" });
  const version = der(0xa0, der(0x02, [2]));
  const body = der(0x30, version, der(0x02, [1]), algorithm, name, validity, name, key, extensions);
  const signature = der(0x03, [0], sign("sha256", body, privateKey));
  const whole = der(0x30, body, algorithm, signature).toString("base64").replaceAll(/.{64}/g, "$&\n");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${whole}\n-----END CERTIFICATE-----\n`,
  };
}

/** A value as DER has it: tag, length, contents. */
function der(tag: number, ...contents: (Buffer | number[])[]): Buffer {
  const value = Buffer.concat(contents.map((content) => Buffer.from(content)));
  const { length } = value;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}
