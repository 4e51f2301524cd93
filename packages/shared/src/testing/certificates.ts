import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** Both in PEM; the key is PKCS#8, not encrypted. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface Authority extends Certificate {
  readonly name: string
  readonly privateKey: KeyObject
}

export interface CertificateWish {
  /** The common name of its subject. */
  readonly name: string
  /** Host names and IPv4 addresses that a server with it may be reached at. */
  readonly hosts?: readonly string[]
  /** Default: from yesterday to tomorrow. */
  readonly notBefore?: Date
  readonly notAfter?: Date
}

const DAY_MS = 86_400_000
const BOOLEAN = 0x01
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const OBJECT_ID = 0x06
const UTF8_STRING = 0x0c
const UTC_TIME = 0x17
const SEQUENCE = 0x30
const SET = 0x31
const DNS_NAME = 0x82
const IP_ADDRESS = 0x87
const VERSION = 0xa0
const EXTENSIONS = 0xa3

/** A certificate authority that nobody trusts yet, for tests only. */
export function createAuthority(name: string): Authority {
  const { privateKey, publicKey } = newKeys()
  const extensions = [
    extension('2.5.29.19', sequence(der(BOOLEAN, [0xff])), true),
    // To sign certificates and revocation lists.
    extension('2.5.29.15', der(BIT_STRING, [1, 0x06]), true),
  ]
  return { ...certificateOf({ name }, publicKey, { name, privateKey }, extensions, privateKey), name, privateKey }
}

/** A certificate for a server, a client, or both. */
export function issue(authority: Authority, wish: CertificateWish): Certificate {
  const { privateKey, publicKey } = newKeys()
  const { hosts = [] } = wish
  const names = hosts.map((host) =>
    isIPv4(host) ? der(IP_ADDRESS, host.split('.').map(Number)) : text(DNS_NAME, host),
  )
  const extensions = [
    extension('2.5.29.19', sequence(), true),
    extension('2.5.29.15', der(BIT_STRING, [7, 0x80]), true),
    extension('2.5.29.37', sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'))),
    ...(names.length > 0 ? [extension('2.5.29.17', sequence(...names))] : []),
  ]
  return certificateOf(wish, publicKey, authority, extensions, privateKey)
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** X.509, RFC 5280. */
function certificateOf(
  { name, notBefore = new Date(Date.now() - DAY_MS), notAfter = new Date(Date.now() + DAY_MS) }: CertificateWish,
  publicKey: KeyObject,
  issuer: { readonly name: string; readonly privateKey: KeyObject },
  extensions: readonly Buffer[],
  privateKey: KeyObject,
): Certificate {
  const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'))
  const serial = randomBytes(16)
  // Positive, and without a leading zero byte.
  serial[0] = (serial[0]! & 0x7f) | 0x40
  const body = sequence(
    der(VERSION, der(INTEGER, [2])),
    der(INTEGER, serial),
    ecdsaWithSha256,
    commonName(issuer.name),
    sequence(time(notBefore), time(notAfter)),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(EXTENSIONS, sequence(...extensions)),
  )
  const signature = sign('sha256', body, issuer.privateKey)
  const bytes = sequence(body, ecdsaWithSha256, der(BIT_STRING, Buffer.concat([Buffer.of(0), signature])))
  const lines = bytes.toString('base64').replace(/.{64}(?!$)/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function der(tag: number, content: Buffer | readonly number[]): Buffer {
  const bytes = Buffer.from(content)
  const { length } = bytes
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), bytes])
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), bytes])
}

const sequence = (...parts: readonly Buffer[]) => der(SEQUENCE, Buffer.concat(parts))
const text = (tag: number, value: string) => der(tag, Buffer.from(value))
const commonName = (name: string) => sequence(der(SET, sequence(objectId('2.5.4.3'), text(UTF8_STRING, name))))
const time = (at: Date) => text(UTC_TIME, `${at.toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`)
const extension = (id: string, value: Buffer, critical = false) =>
  sequence(objectId(id), ...(critical ? [der(BOOLEAN, [0xff])] : []), der(OCTET_STRING, value))

function objectId(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]]
  const base128 = (n: number): number[] => (n < 0x80 ? [n] : [...base128(n >> 7).map((byte) => byte | 0x80), n & 0x7f])
  return der(OBJECT_ID, [first * 40 + second, ...rest.flatMap(base128)])
}
