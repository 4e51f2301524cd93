import { isIP } from 'node:net'
import { type ConnectionOptions, connect, createSecureContext, type SecureContext } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import type { ISocketFactory } from 'kafkajs'
import { isUntrusted } from '../untrusted.ts'
import { readTlsFiles, type TlsFiles, type TlsMaterial } from './tls-files.ts'

export interface TlsLogger {
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
}

interface TlsError extends NodeJS.ErrnoException {
  /** What OpenSSL says, without the place in its code. */
  readonly reason?: string
}

const KEEP_ALIVE_MS = 60_000

/**
 * Connections with TLS for Kafka's client. A broker has to show a certificate for the very host name, or IP address, that
 * it is reached at, from an authority of `caFile`; without that file from one that Node trusts (NODE_EXTRA_CA_CERTS
 * included). The files are read again for each connection, so that what was rotated is in use from the next one on; as
 * long as they are not right, what they were before stays in use.
 */
export function createTlsSockets(files: TlsFiles, logger?: TlsLogger): ISocketFactory {
  const isNodes = Object.values(files).every((path) => path === undefined)
  let inUse: { readonly material: TlsMaterial; readonly context: SecureContext } | null = null
  let told = ''

  const latest = (): SecureContext => {
    const { material, problems } = readTlsFiles(files)
    if (inUse !== null && problems.length === 0 && isDeepStrictEqual(inUse.material, material)) return inUse.context
    try {
      if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('; '))
      const context = createSecureContext(material)
      if (inUse !== null) logger?.info({}, 'the files of TLS have changed: new connections use them')
      inUse = { material, context }
      told = ''
    } catch (error) {
      if (inUse === null) throw error
      const { message } = error as Error
      if (message !== told)
        logger?.warn({ reason: message }, 'the files of TLS are not right: those of before are used')
      told = message
    }
    return inUse.context
  }

  return ({ host, port, onConnect }) => {
    const options: ConnectionOptions = { host, port }
    // A name is also sent to the broker (SNI); an address must not be, and is looked for in the certificate all the same.
    if (isIP(host) === 0) options.servername = host
    if (!isNodes) options.secureContext = latest()
    const socket = connect(options, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    // Before the client's own listener, which takes the text over.
    socket.on('error', (error: TlsError) => {
      const advice = adviceOn(error)
      if (advice !== null) error.message = `${textOf(error)} (${advice})`
    })
    return socket
  }
}

const textOf = ({ message, reason }: TlsError): string =>
  reason !== undefined && /:error:[\dA-F]+:/.test(message) ? reason : message

/** What to do about a failed handshake; null where the error speaks for itself. */
export function adviceOn({
  code = '',
  message,
}: {
  readonly code?: string | undefined
  readonly message: string
}): string | null {
  if (isUntrusted(code)) return 'its authority is not trusted here: KAFKA_SSL_CA_FILE'
  if (/CERTIFICATE_REQUIRED$/.test(code))
    return 'the broker wants a certificate of ours: KAFKA_SSL_CERT_FILE, KAFKA_SSL_KEY_FILE'
  if (/ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|CERTIFICATE_UNKNOWN)$/.test(code))
    return 'the broker refuses our certificate: KAFKA_SSL_CERT_FILE'
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || (code === 'ECONNRESET' && /before secure TLS/.test(message)))
    return 'does this port speak TLS? KAFKA_SSL'
  return null
}
