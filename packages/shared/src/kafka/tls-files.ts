import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** Paths of PEM files. */
export interface TlsFiles {
  /** The certificates of the authorities that a broker's certificate may come from, instead of the public ones. */
  readonly caFile?: string | undefined
  /** Our own certificate, with its intermediates, and its key: for brokers that know their clients by them. */
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

/** What TLS towards the brokers is made of; all in PEM. */
export interface TlsMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface TlsProblem {
  readonly of: keyof TlsFiles
  readonly message: string
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs

/** Reads the files as they are now. A message names a path, never what is in it. */
export function readTlsFiles(files: TlsFiles): { material: TlsMaterial; problems: readonly TlsProblem[] } {
  const problems: TlsProblem[] = []
  const read = <V>(of: keyof TlsFiles, parse: (text: string) => V): { text: string; value: V } | null => {
    const path = files[of]
    if (path === undefined) return null
    try {
      const text = readText(path)
      return { text, value: parse(text) }
    } catch (error) {
      problems.push({ of, message: `file ${path} ${(error as Error).message}` })
      return null
    }
  }
  const ca = read('caFile', parseCertificates)
  const cert = read('certFile', parseCertificates)
  const key = read('keyFile', parseKey)
  if (cert !== null && key !== null && !cert.value[0]!.checkPrivateKey(key.value)) {
    problems.push({ of: 'keyFile', message: `file ${files.keyFile} is not the key of the certificate` })
  }
  const material = {
    ...(ca !== null && { ca: ca.text }),
    ...(cert !== null && { cert: cert.text }),
    ...(key !== null && { key: key.text }),
  }
  return { material, problems }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`can't be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
}

function parseCertificates(text: string): X509Certificate[] {
  const found = text.match(CERTIFICATES) ?? []
  if (found.length === 0) throw new Error('holds no certificate in PEM')
  try {
    return found.map((pem) => new X509Certificate(pem))
  } catch {
    throw new Error('holds a certificate that is damaged')
  }
}

function parseKey(text: string): KeyObject {
  if (/-----BEGIN (?:ENCRYPTED PRIVATE KEY|[\w ]*PRIVATE KEY-----\s+Proc-Type: 4,ENCRYPTED)/.test(text)) {
    throw new Error('holds a key with a passphrase: it must be without')
  }
  try {
    return createPrivateKey(text)
  } catch {
    throw new Error('holds no private key in PEM')
  }
}
