import type { Fields } from '../fields.ts'
import { inAnyOrder, jsonOf, type Rule } from './compare.ts'
import { type FlowStamps, TILL } from './expected-flow.ts'

const properties = (values: Readonly<Record<string, unknown>>) =>
  inAnyOrder(
    ['key'],
    Object.entries(values).map(([key, value]) => ({ key, value })),
  )
const relations = (...items: Fields[]) => inAnyOrder(['customerId', 'relationType'], items)

/** Omnium's private customers at the end of the day, by id. */
export function expectedPrivate({ till }: FlowStamps): Record<string, Fields> {
  return {
    '1001': {
      customerId: '1001',
      firstName: 'Kari',
      lastName: 'Eksempel',
      fullName: 'Kari Eksempel',
      email: null,
      phone: '+4700000102',
      address: { line1: 'Bryggen 20', city: 'Bergen', postalCode: '5003', countryCode: 'NO' },
      customerNumber: 'LOY-1001',
      marketGroupId: 'NO',
      created: till('1001', 1),
      modified: till('1001', 22),
      modifiedBy: TILL,
      properties: properties({ flowUid: 'nordlys-no:1001', flowLastModifiedAt: till('1001', 22) }),
    },
    '1011': {
      customerId: '1011',
      firstName: 'Anne',
      lastName: 'Først',
      fullName: 'Anne Først',
      // The tenant's country, not the customer's.
      address: { countryCode: 'NO' },
      marketGroupId: 'NO',
      created: till('1011', 1),
      modified: till('1011', 1),
      modifiedBy: TILL,
      properties: properties({ flowUid: 'nordlys-no:1011', flowLastModifiedAt: till('1011', 1) }),
    },
    '1013': {
      customerId: '1013',
      firstName: 'Bjørn',
      lastName: 'Nest',
      fullName: 'Bjørn Nest',
      phone: '+4700000113',
      address: { countryCode: 'NO' },
      marketGroupId: 'NO',
      created: till('1013', 1),
      modified: till('1013', 1),
      modifiedBy: TILL,
      properties: properties({ flowUid: 'nordlys-no:1013', flowLastModifiedAt: till('1013', 1) }),
    },
    '1014': {
      customerId: '1014',
      lastName: 'Sist 🎂',
      fullName: 'Sist 🎂',
      address: { postalCode: '9990', countryCode: 'NO' },
      marketGroupId: 'NO',
      created: till('1014', 1),
      modified: till('1014', 1),
      modifiedBy: TILL,
      properties: properties({ flowUid: 'nordlys-no:1014', flowLastModifiedAt: till('1014', 1) }),
    },
    '1050': {
      customerId: '1050',
      firstName: 'Siri',
      lastName: 'Sekund',
      fullName: 'Siri Sekund',
      phone: '+4700005050',
      address: { countryCode: 'NO' },
      marketGroupId: 'NO',
      created: till('1050', 1),
      modified: till('1050', 51),
      modifiedBy: TILL,
      properties: properties({ flowUid: 'nordlys-no:1050', flowLastModifiedAt: till('1050', 51) }),
    },
    // As the web shop made it: what we create in Flow comes back and changes nothing.
    'ola@example.com': {
      customerId: 'ola@example.com',
      firstName: 'Ola',
      lastName: '',
      fullName: 'Ola',
      email: 'ola@example.com',
      phone: '+4700000301',
      address: { line1: 'Nettgata 5', line2: '2. etasje', city: 'Bodø', postalCode: '8001', countryCode: 'NO' },
      marketGroupId: 'NO',
      tags: ['newsletter'],
      created: '2024-05-01T10:00:00.000Z',
      modified: '2024-05-02T10:00:00.000Z',
      modifiedBy: 'web-shop',
    },
  }
}

/** Omnium's business customers at the end of the day, by id. */
export function expectedBusiness({ till }: FlowStamps, inTheDay: Rule): Record<string, Fields> {
  /** Omnium stamps business customers itself: their dates are not mapped. */
  const stampedByOmnium = { created: inTheDay, modified: inTheDay, modifiedBy: 'flow-sync' }
  return {
    '2001': {
      customerId: '2001',
      name: 'Fiktiv Bakeri AS',
      email: 'post@bakeri.example.com',
      phone: '+4700000201',
      taxId: '000000001MVA',
      address: {
        name: 'Fiktiv Bakeri AS',
        line1: 'Bakerveien 2',
        city: 'Trondheim',
        postalCode: '7010',
        countryCode: 'NO',
      },
      customerNumber: 'LOY-2001',
      marketGroupId: 'NO',
      contacts: [
        {
          id: 'contact-liv',
          firstName: 'Liv',
          lastName: 'Lager',
          email: 'liv@bakeri.example.com',
          phone: '+4700000213',
          privateCustomerId: '2001',
        },
      ],
      addresses: [
        {
          externalId: 'address-delivery',
          name: 'Fiktiv Bakeri lager',
          line1: 'Lagerveien 3',
          city: 'Trondheim',
          postalCode: '7041',
          countryCode: 'NO',
          email: 'lager@bakeri.example.com',
          phone: '+4700000212',
          purposes: ['DELIVERY_ADDRESS'],
        },
        {
          externalId: 'address-invoice',
          name: 'Liv Lager',
          line1: 'Postboks 4',
          city: 'Trondheim',
          postalCode: '7400',
          countryCode: 'NO',
          purposes: ['INVOICE_ADDRESS'],
        },
      ],
      customerRelations: [],
      properties: properties({
        flowUid: 'nordlys-no:2001',
        flowLastModifiedAt: till('2001', 2),
        flowElementIds: jsonOf({ contacts: ['contact-liv'], addresses: ['address-delivery', 'address-invoice'] }),
        'Parent company': 'false',
      }),
      ...stampedByOmnium,
    },
    '2002': {
      customerId: '2002',
      name: 'Prøvestad Mat AB',
      email: 'hej@provestad.example.com',
      // The customer's own country.
      address: { name: 'Prøvestad Mat AB', city: 'Göteborg', countryCode: 'SE' },
      marketGroupId: 'NO',
      customerRelations: relations({ customerId: '2012', customerType: 'B2B', relationType: 'SubDepartment' }),
      properties: properties({
        flowUid: 'nordlys-no:2002',
        flowLastModifiedAt: till('2002', 1),
        flowElementIds: jsonOf({ contacts: [], addresses: [] }),
        'Parent company': 'true',
      }),
      ...stampedByOmnium,
    },
    '2011': {
      customerId: '2011',
      name: 'Fiktiv Bakeri avd. Nord',
      address: { name: 'Fiktiv Bakeri avd. Nord' },
      marketGroupId: 'NO',
      customerRelations: [],
      properties: properties({
        flowUid: 'nordlys-no:2011',
        flowLastModifiedAt: till('2011', 1),
        flowElementIds: jsonOf({ contacts: [], addresses: [] }),
        flowParentVersion: `${till('2011', 3)}|`,
      }),
      ...stampedByOmnium,
    },
    '2012': {
      customerId: '2012',
      name: 'Fiktiv Bakeri avd. Sør',
      address: { name: 'Fiktiv Bakeri avd. Sør' },
      marketGroupId: 'NO',
      customerRelations: relations({ customerId: '2002', customerType: 'B2B', relationType: 'Parent' }),
      properties: properties({
        flowUid: 'nordlys-no:2012',
        flowLastModifiedAt: till('2012', 1),
        flowElementIds: jsonOf({ contacts: [], addresses: [] }),
        flowParentVersion: `${till('2012', 3)}|2002`,
      }),
      ...stampedByOmnium,
    },
    '+4700000302': {
      customerId: '+4700000302',
      name: 'Oppdiktet Blomst AS',
      email: 'faktura@blomst.example.com',
      phone: '+4700000302',
      taxId: '000000002MVA',
      address: {
        line1: 'Blomsterveien 6',
        city: 'Stavanger',
        postalCode: '4006',
        countryCode: 'NO',
        email: 'butikk@blomst.example.com',
        phone: '+4700000303',
      },
      externalIds: [
        { id: 'CRM-9', providerName: 'SomeCrm' },
        { id: 'VOY-302', providerName: 'Voyado' },
      ],
      marketGroupId: 'NO',
      created: '2023-09-01T10:00:00.000Z',
      modified: '2023-09-02T10:00:00.000Z',
      modifiedBy: 'web-shop',
    },
  }
}
