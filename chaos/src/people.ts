import type { Fields } from '@sync/sandbox/fields'
import type { Chance } from './chance.ts'
import type { CustomerType } from './operations.ts'

/** Stands in every personal value that the workload types, so that a leak into a log can be searched for. */
export const MARK = 'zq'

/** Some in Unicode NFD, as a Mac types them. */
const FIRST = ['Kari', 'Ola', 'Åse', 'Bjørn', 'Siri', 'Zoë', 'José', 'Nguyễn', '李', 'Zoë'.normalize('NFD')]
const LAST = ['Eksempel', 'Prøve', 'O’Fiktiv', 'Müller-Test', 'Ødegård', 'de la Prueba']
const STREETS = ['Storgata', 'Kirkeveien', 'Bryggen', 'Torget']
const CITIES = ['Oslo', 'Bergen', 'Tromsø', 'Malmö']
const TRADES = ['Bakeri', 'Blomst', 'Bygg & Co', 'Fisk "Fersk"', 'Møbel']
const COUNTRIES = ['NO', 'SE', 'DK']

/** Values as a cashier types them, all invented; each differs from every other one. */
export interface People {
  fieldsOf(type: CustomerType): Fields
  /** A new value of one field; null for one that a customer of this type has not. */
  valueOf(type: CustomerType, field: string): unknown
  contact(): Fields
  address(): Fields
}

export function createPeople(chance: Chance): People {
  let made = 0
  const tag = () => `${MARK}${(++made).toString(36)}x`
  /** A series for machines, so that no number is a person's. */
  const phone = () => `+4759${String(++made).padStart(6, '0')}`
  const email = () => `${tag()}@${chance.happens(0.3) ? 'Example' : 'example'}.com`
  const street = () => `${chance.pick(STREETS)} ${tag()}`
  const company = () => `${chance.pick(TRADES)} ${tag()}`

  const makers: Readonly<Record<string, () => string>> = {
    firstname: () => `${chance.pick(FIRST)} ${tag()}`,
    lastname: () => `${chance.pick(LAST)} ${tag()}`,
    companyName: company,
    email,
    mobile: phone,
    address: street,
    city: () => chance.pick(CITIES),
    postalCode: () => String(chance.between(1000, 9999)),
    countryCode: () => chance.pick(COUNTRIES),
    vatNumber: () => `NO${tag()}MVA`,
    loyaltyId: () => `LOY-${++made}`,
  }
  const fieldsByType: Readonly<Record<CustomerType, readonly string[]>> = {
    PERSON: PERSON_FIELDS,
    COMPANY: COMPANY_FIELDS,
  }
  const people: People = {
    fieldsOf(type) {
      const fields: Fields = {}
      for (const name of fieldsByType[type]) {
        const isRequired = name === 'companyName' || name === 'firstname' || name === 'lastname'
        if (isRequired || chance.happens(0.7)) fields[name] = makers[name]!()
      }
      if (type === 'PERSON') return fields
      if (chance.happens(0.5)) fields.contacts = Array.from({ length: chance.between(0, 3) }, people.contact)
      if (chance.happens(0.5)) fields.addresses = Array.from({ length: chance.between(0, 2) }, people.address)
      return fields
    },
    valueOf: (type, field) => (fieldsByType[type].includes(field) ? makers[field]!() : null),
    contact: () => ({
      customerContactUid: `contact-${++made}`,
      firstname: makers.firstname!(),
      lastname: makers.lastname!(),
      ...(chance.happens(0.7) && { email: email() }),
      ...(chance.happens(0.5) && { mobile: phone() }),
    }),
    address: () => ({
      customerAddressUid: `address-${++made}`,
      type: chance.pick(['DELIVERY_ADDRESS', 'INVOICE_ADDRESS']),
      address: street(),
      city: chance.pick(CITIES),
      postalCode: String(chance.between(1000, 9999)),
      countryCode: chance.pick(COUNTRIES),
      ...nameOfAddress(),
      ...(chance.happens(0.5) && { email: email() }),
      ...(chance.happens(0.5) && { phone: phone() }),
    }),
  }
  const nameOfAddress = (): Fields =>
    chance.happens(0.5) ? { companyName: company() } : { firstname: makers.firstname!(), lastname: makers.lastname!() }
  return people
}

export const PERSON_FIELDS = 'firstname lastname email mobile address city postalCode countryCode loyaltyId'.split(' ')
export const COMPANY_FIELDS = 'companyName email mobile vatNumber address city postalCode countryCode loyaltyId'.split(
  ' ',
)
/** A cashier may empty these. */
export const CLEARABLE = ['lastname', 'email', 'mobile', 'vatNumber', 'address', 'city', 'postalCode', 'loyaltyId']
