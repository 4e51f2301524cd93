import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createAuthority, issue } from '../testing/certificates.ts'
import { tmpFiles } from '../testing/tmp-files.ts'
import { readTlsFiles } from './tls-files.ts'

const { folder, file } = tmpFiles()

const authority = createAuthority('Acme CA')
const own = issue(authority, { name: 'flow-ingest' })
const other = issue(authority, { name: 'other' })
const caFile = file('ca.pem', authority.cert)
const certFile = file('cert.pem', own.cert)
const keyFile = file('key.pem', own.key)
const problemsOf = (files: Parameters<typeof readTlsFiles>[0]) =>
  readTlsFiles(files).problems.map(({ of, message }) => `${of}: ${message.replaceAll(folder, '')}`)

it('reads what is right, several authorities in one file too', () => {
  const both = file('both.pem', `# the old one\n${authority.cert}# the new one\n${createAuthority('New CA').cert}`)

  expect(readTlsFiles({ caFile, certFile, keyFile })).toEqual({
    material: { ca: authority.cert, cert: own.cert, key: own.key },
    problems: [],
  })
  expect(problemsOf({ caFile: both })).toEqual([])
  expect(readTlsFiles({})).toEqual({ material: {}, problems: [] })
})

const sealed = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' },
})
it.each<[string, Parameters<typeof readTlsFiles>[0], string]>([
  ['a file that is not there', { caFile: join(folder, 'none.pem') }, "caFile: file /none.pem can't be read (ENOENT)"],
  ['a folder', { caFile: folder }, "caFile: file  can't be read (EISDIR)"],
  ['no PEM', { caFile: file('ca.der', 'MIIB') }, 'caFile: file /ca.der holds no certificate in PEM'],
  ['a key for a certificate', { caFile: keyFile }, 'caFile: file /key.pem holds no certificate in PEM'],
  [
    'a certificate that is cut',
    { caFile: file('cut.pem', authority.cert.replace(/\n.{64}\n/, '\n')) },
    'caFile: file /cut.pem holds a certificate that is damaged',
  ],
  ['a certificate for a key', { certFile, keyFile: certFile }, 'keyFile: file /cert.pem holds no private key in PEM'],
  [
    'a key of another certificate',
    { certFile, keyFile: file('other.pem', other.key) },
    'keyFile: file /other.pem is not the key of the certificate',
  ],
  [
    'a key with a passphrase',
    { certFile, keyFile: file('sealed.pem', sealed.privateKey) },
    'keyFile: file /sealed.pem holds a key with a passphrase: it must be without',
  ],
])('tells of %s, by its path and nothing else', (_what, files, problem) => {
  expect(problemsOf(files)).toEqual([problem])
})
