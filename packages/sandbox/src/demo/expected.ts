import type { Fields } from '../fields.ts'
import { inAnyOrder, jsonOf, timeBetween } from './compare.ts'

/**
 * What both stand-ins and the topics hold at the end of the day, written by hand from the field tables of both peers'
 * documentation, so that it shares neither code nor opinion with the services. Times that a stand-in stamps are taken
 * from what it stamped.
 */
export interface Expected {
  readonly flowCustomers: Readonly<Record<string, Fields>>
  readonly privateCustomers: Readonly<Record<string, Fields>>
  readonly businessCustomers: Readonly<Record<string, Fields>>
  /** By key, then the order as it is on the raw topic. */
  readonly flowOrders: Readonly<Record<string, Fields>>
  readonly omniumOrders: Readonly<Record<string, Fields>>
  /** `dl-reason` by topic and key. */
  readonly deadLetters: Readonly<Record<string, string>>
}

/** The `lastModifiedAt` that Flow's stand-in gave a customer with a write, from the first one on. */
export interface FlowStamps {
  /** At the till. */
  till(uid: string, nth: number): string | undefined
  /** By the API: the services' writes. */
  api(uid: string, nth: number): string | undefined
}

const TILL = 'cashier-1'
const API = 'flow-api-user'

export function expectedState(stamps: FlowStamps, day: { readonly from: number; readonly to: number }): Expected {
  const { till, api } = stamps
  const inTheDay = timeBetween(day.from, day.to)
  /** Of a customer whose last write in Flow was the external id that came back. */
  const linkedLast = (uid: string) => ({
    createdAt: till(uid, 1),
    lastModifiedAt: api(uid, 1),
    lastModifiedBy: API,
    externalId: uid,
  })
  /** Omnium stamps business customers itself: their dates are not mapped. */
  const stampedByOmnium = { created: inTheDay, modified: inTheDay, modifiedBy: 'flow-sync' }
  const properties = (values: Readonly<Record<string, unknown>>) =>
    inAnyOrder(
      ['key'],
      Object.entries(values).map(([key, value]) => ({ key, value })),
    )
  const relations = (...items: Fields[]) => inAnyOrder(['customerId', 'relationType'], items)

  return {
    flowCustomers: {
      '1001': {
        customerUid: '1001',
        customerType: 'PERSON',
        firstname: 'Kari',
        lastname: 'Eksempel',
        displayName: 'Kari Eksempel',
        email: null,
        mobile: '+4700000102',
        address: 'Bryggen 20',
        city: 'Bergen',
        postalCode: '5003',
        countryCode: 'NO',
        loyaltyId: 'LOY-1001',
        externalId: '1001',
        createdAt: till('1001', 1),
        lastModifiedAt: till('1001', 22),
        lastModifiedBy: TILL,
      },
      '1011': {
        customerUid: '1011',
        customerType: 'PERSON',
        firstname: 'Anne',
        lastname: 'Først',
        displayName: 'Anne Først',
        countryCode: 'SE',
        ...linkedLast('1011'),
      },
      '1012': {
        customerUid: '1012',
        customerType: 'PERSON',
        firstname: 'Pelle',
        lastname: 'Parkert',
        displayName: 'Pelle Parkert',
        email: 'pelle@example.com',
        createdAt: till('1012', 1),
        lastModifiedAt: till('1012', 1),
        lastModifiedBy: TILL,
      },
      '1013': {
        customerUid: '1013',
        customerType: 'PERSON',
        firstname: 'Bjørn',
        lastname: 'Nest',
        displayName: 'Bjørn Nest',
        mobile: '+4700000113',
        ...linkedLast('1013'),
      },
      '1014': {
        customerUid: '1014',
        customerType: 'PERSON',
        firstname: '',
        lastname: 'Sist 🎂',
        displayName: 'Sist 🎂',
        postalCode: '9990',
        ...linkedLast('1014'),
      },
      '1050': {
        customerUid: '1050',
        customerType: 'PERSON',
        firstname: 'Siri',
        lastname: 'Sekund',
        displayName: 'Siri Sekund',
        mobile: '+4700005050',
        externalId: '1050',
        createdAt: till('1050', 1),
        lastModifiedAt: till('1050', 51),
        lastModifiedBy: TILL,
      },
      '2001': {
        customerUid: '2001',
        customerType: 'COMPANY',
        companyName: 'Fiktiv Bakeri AS',
        displayName: 'Fiktiv Bakeri AS',
        email: 'post@bakeri.example.com',
        mobile: '+4700000201',
        address: 'Bakerveien 2',
        city: 'Trondheim',
        postalCode: '7010',
        countryCode: 'NO',
        vatNumber: '000000001MVA',
        loyaltyId: 'LOY-2001',
        contacts: [
          {
            customerContactUid: 'contact-liv',
            firstname: 'Liv',
            lastname: 'Lager',
            displayName: 'Liv Lager',
            email: 'liv@bakeri.example.com',
            mobile: '+4700000213',
            createdAt: till('2001', 1),
            lastModifiedAt: till('2001', 2),
          },
        ],
        addresses: [
          {
            customerAddressUid: 'address-delivery',
            type: 'DELIVERY_ADDRESS',
            address: 'Lagerveien 3',
            city: 'Trondheim',
            postalCode: '7041',
            countryCode: 'NO',
            companyName: 'Fiktiv Bakeri lager',
            email: 'lager@bakeri.example.com',
            phone: '+4700000212',
          },
          {
            customerAddressUid: 'address-invoice',
            type: 'INVOICE_ADDRESS',
            address: 'Postboks 4',
            city: 'Trondheim',
            postalCode: '7400',
            countryCode: 'NO',
            firstname: 'Liv',
            lastname: 'Lager',
          },
        ],
        externalId: '2001',
        createdAt: till('2001', 1),
        lastModifiedAt: till('2001', 2),
        lastModifiedBy: TILL,
      },
      '2002': {
        customerUid: '2002',
        customerType: 'COMPANY',
        companyName: 'Prøvestad Mat AB',
        displayName: 'Prøvestad Mat AB',
        email: 'hej@provestad.example.com',
        city: 'Göteborg',
        countryCode: 'SE',
        ...linkedLast('2002'),
      },
      '2011': {
        customerUid: '2011',
        customerType: 'COMPANY',
        companyName: 'Fiktiv Bakeri avd. Nord',
        displayName: 'Fiktiv Bakeri avd. Nord',
        parentCustomer: null,
        externalId: '2011',
        createdAt: till('2011', 1),
        lastModifiedAt: till('2011', 3),
        lastModifiedBy: TILL,
      },
      '2012': {
        customerUid: '2012',
        customerType: 'COMPANY',
        companyName: 'Fiktiv Bakeri avd. Sør',
        displayName: 'Fiktiv Bakeri avd. Sør',
        parentCustomer: { customerUid: '2002' },
        externalId: '2012',
        createdAt: till('2012', 1),
        lastModifiedAt: till('2012', 3),
        lastModifiedBy: TILL,
      },
      'ola@example.com': {
        customerUid: 'ola@example.com',
        customerType: 'PERSON',
        firstname: 'Ola',
        lastname: '-',
        displayName: 'Ola -',
        email: 'ola@example.com',
        mobile: '+4700000301',
        address: 'Nettgata 5',
        city: 'Bodø',
        postalCode: '8001',
        countryCode: 'NO',
        externalId: 'ola@example.com',
        createdAt: api('ola@example.com', 1),
        lastModifiedAt: api('ola@example.com', 1),
        lastModifiedBy: API,
      },
      '+4700000302': {
        customerUid: '+4700000302',
        customerType: 'COMPANY',
        companyName: 'Oppdiktet Blomst AS',
        displayName: 'Oppdiktet Blomst AS',
        email: 'butikk@blomst.example.com',
        mobile: '+4700000303',
        vatNumber: '000000002MVA',
        address: 'Blomsterveien 6',
        city: 'Stavanger',
        postalCode: '4006',
        countryCode: 'NO',
        loyaltyId: 'VOY-302',
        externalId: '+4700000302',
        createdAt: api('+4700000302', 1),
        lastModifiedAt: api('+4700000302', 1),
        lastModifiedBy: API,
      },
    },

    privateCustomers: {
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
        properties: properties({ flowLastModifiedAt: till('1001', 22) }),
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
        properties: properties({ flowLastModifiedAt: till('1011', 1) }),
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
        properties: properties({ flowLastModifiedAt: till('1013', 1) }),
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
        properties: properties({ flowLastModifiedAt: till('1014', 1) }),
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
        properties: properties({ flowLastModifiedAt: till('1050', 51) }),
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
    },

    businessCustomers: {
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
          flowLastModifiedAt: till('2011', 1),
          flowElementIds: jsonOf({ contacts: [], addresses: [] }),
          flowParentVersion: till('2011', 3),
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
          flowLastModifiedAt: till('2012', 1),
          flowElementIds: jsonOf({ contacts: [], addresses: [] }),
          flowParentVersion: till('2012', 3),
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
    },

    flowOrders: {
      'nordlys-no:1001': {
        orderUid: 'F-3001',
        customerUid: '1001',
        storeUid: 'store-7',
        deliveryState: 'DELIVERED',
        externalOrderNumber: null,
        items: [{ productUid: 'MUG', quantity: 1, price: 99.5 }],
        createdAt: inTheDay,
        lastModifiedAt: inTheDay,
      },
      'nordlys-no:F-3002': {
        orderUid: 'F-3002',
        storeUid: 'store-7',
        deliveryState: 'DELIVERED',
        externalOrderNumber: null,
        items: [{ productUid: 'MUG', quantity: 1, price: 99.5 }],
        createdAt: inTheDay,
        lastModifiedAt: inTheDay,
      },
    },
    omniumOrders: Object.fromEntries(
      [
        ['W-4001', 'ola@example.com', 'B2C'],
        ['W-4002', '+4700000302', 'B2B'],
        ['W-4003', '1001', 'B2C'],
      ].map(([id, customerId, customerType]) => [
        `nordlys-no:${customerId}`,
        {
          id,
          customerId,
          customerType,
          orderType: 'Online',
          status: 'New',
          marketId: 'NOR',
          storeId: 'web',
          orderForm: { lineItems: [{ code: 'MUG', quantity: 2, placedPrice: 99.5 }] },
          created: inTheDay,
          modified: inTheDay,
        },
      ]),
    ),

    deadLetters: { 'customer-mapper.dead-letters.v1 nordlys-no:1012': 'refused' },
  }
}
