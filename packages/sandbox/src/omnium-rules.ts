import { type Fields, isObject } from './fields.ts'
import type { OmniumModes } from './omnium-modes.ts'
import { refusal } from './refusal.ts'
import { storedValues } from './value-modes.ts'
import { refuseIncompleteAddress, refuseSecond } from './write-rules.ts'

/** What the settings of a tenant make of a write, whoever writes. */
export interface OmniumRules {
  /** The values of a request as they are stored. Throws a 400. */
  stored(fields: Fields): Fields
  /** The id that a new customer gets. Throws a 400 when the field that is the id is empty. */
  idOf(fields: Fields): string
  /** Throws the refusal of a customer as it would be stored. `others` are those of the same kind. */
  refuse(row: Fields, others: () => readonly Fields[]): void
}

export function createOmniumRules(modes: () => OmniumModes): OmniumRules {
  return {
    stored(fields) {
      refuseIncompleteAddress(fields, modes().requiredAddressProperties)
      return storedValues(fields, modes())
    },
    idOf(fields) {
      const { customerIdField } = modes()
      if (customerIdField === null) return fields.customerId as string
      const id = fields[customerIdField === 'Email' ? 'email' : 'phone']
      if (typeof id !== 'string' || id === '') throw refusal(400, `${customerIdField} is required: it is the id`)
      return id
    },
    refuse: (row, others) => refuseSecond(row, others, 'phone', modes()),
  }
}

/** The contacts of a company without all those that have this id, this e-mail or this phone. */
export function withoutContactPersons(
  contacts: unknown,
  named: { readonly contactPersonId?: unknown; readonly email?: unknown; readonly phone?: unknown },
): readonly unknown[] {
  const wanted = Object.entries({ id: named.contactPersonId, email: named.email, phone: named.phone }).filter(
    ([, value]) => typeof value === 'string' && value !== '',
  )
  const list: readonly unknown[] = Array.isArray(contacts) ? contacts : []
  return list.filter((contact) => !isObject(contact) || !wanted.some(([name, value]) => contact[name] === value))
}
