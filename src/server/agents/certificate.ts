import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A key and the certificate it signed for itself, as PEM. */
export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

/**
 * Makes a P-256 key and a self-signed X.509 v3 certificate for it (RFC 5280; ECDSA with SHA-256). Agents do not
 * believe names or authorities, only the fingerprint they joined with; so it is valid for a hundred years.
 */
export function makeCertificate(commonName: string, nowMs: number): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(objectId(2, 5, 4, 3), utf8(commonName))));
  const algorithm = sequence(objectId(1, 2, 840, 10045, 4, 3, 2));
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(positive(randomBytes(16))),
    algorithm,
    name,
    sequence(generalizedTime(nowMs - dayMs), generalizedTime(nowMs + 36_500 * dayMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(subjectAltName(commonName))),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, algorithm, bitString(signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: pem('CERTIFICATE', certificate),
  };
}

/** Hex SHA-256 of the certificate (DER): what a join token pins. */
export function fingerprintOf(certificatePem: string): string {
  const base64 = certificatePem.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  return createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex');
}

/** Whether the text is a usable private key of this certificate's kind. */
export function isUsableKey(keyPem: string): boolean {
  try {
    return createPublicKey(createPrivateKey(keyPem)).asymmetricKeyType === 'ec';
  } catch {
    return false;
  }
}

const dayMs = 86_400_000;

// ---------------------------------------------------------------- DER: tag, length, content

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** Below 128 one byte; otherwise the number of length bytes with the high bit, then those: 300 → 82 01 2c. */
function lengthOf(length: number): Buffer {
  if (length < 128) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>= 8) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
const set = (...parts: Buffer[]): Buffer => der(0x31, ...parts);
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text, 'utf8'));
const bitString = (bytes: Buffer): Buffer => der(0x03, Buffer.from([0]), bytes);
const octets = (...parts: Buffer[]): Buffer => der(0x04, ...parts);
const explicit = (tag: number, ...parts: Buffer[]): Buffer => der(0xa0 | tag, ...parts);

/** A serial number: not negative (high bit clear) and not zero. */
function positive(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[0] = ((copy[0] ?? 0) & 0x7f) | 0x40;
  return copy;
}

/** The first two numbers share a byte; the others are base 128, high bit = more follows. */
function objectId(first: number, second: number, ...rest: number[]): Buffer {
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const digits = [number & 0x7f];
    for (let high = number >> 7; high > 0; high >>= 7) digits.unshift(0x80 | (high & 0x7f));
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

/** `20261121093000Z`. RFC 5280 wants UTCTime before 2050 and this form from then on. */
function generalizedTime(atMs: number): Buffer {
  const text = new Date(atMs).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  const isEarly = Number(text.slice(0, 4)) < 2050;
  return isEarly ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

function subjectAltName(dnsName: string): Buffer {
  return sequence(objectId(2, 5, 29, 17), octets(sequence(der(0x82, Buffer.from(dnsName, 'ascii')))));
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
