import { Ajv, type AnySchema, type Options } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Json } from '../yaml.ts'

/** What is wrong with a value by a schema of a document; empty when nothing is. */
export type Problems = (pointer: string, value: unknown) => string[]

const OPTIONS: Options = {
  // A misspelt keyword is an error. The types of combined schemas are told once, not in each part.
  ...{ strict: true, strictTypes: false, strictRequired: false, allErrors: true },
  formats: {
    uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/,
    'date-time': (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text),
  },
}

/** Only a name: nothing is fetched. */
const DOCUMENT = 'http://document.example/'

const problemsBy = (ajv: Ajv | Ajv2020, document: Json): Problems => {
  ajv.addKeyword('components')
  ajv.addSchema({ $id: DOCUMENT, components: document.components } as AnySchema)
  return (pointer, value) => {
    const validate = ajv.getSchema(`${DOCUMENT}#${pointer}`)
    if (validate === undefined) throw new Error(`${pointer} is not in the document`)
    return validate(value)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }
}

/** By draft 7, as the topics' contracts. */
export const asyncApiProblems = (document: Json): Problems => problemsBy(new Ajv(OPTIONS), document)

/** By 2020-12, the draft of OpenAPI 3.1. */
export const openApiProblems = (document: Json): Problems => problemsBy(new Ajv2020(OPTIONS), document)

/** A part of a document by its path; where it only refers to another one, that. */
export function partOf<Part = Json>(document: Json, ...path: (string | number)[]): Part {
  let part: unknown = document
  for (const step of path) part = (part as Json | undefined)?.[step]
  const reference = (part as Json | undefined)?.$ref
  return typeof reference === 'string' && reference.startsWith('#/') && path.at(-1) !== '$ref'
    ? partOf(document, ...reference.split('/').slice(1))
    : (part as Part)
}
