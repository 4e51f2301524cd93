import { stringify } from 'yaml'

/** A part of a document, as JSON has it. */
export type Json = Readonly<Record<string, unknown>>

const HEAD = '# Made from the code by `npm run docs`; a test holds it to that. Change the code, not this file.\n'

/** The same object gives the same text. Also a reader of YAML 1.1 takes every text for text, dates and `no` included. */
export const asYaml = (document: Json): string =>
  HEAD +
  stringify(document, { compat: 'yaml-1.1', blockQuote: 'literal', aliasDuplicateObjects: false, lineWidth: 120 })
