/** Who comes to the shop, as the cashier types them. All invented. */
export const KARI = {
  customerUid: '1001',
  customerType: 'PERSON',
  firstname: 'Kari',
  lastname: 'Eksempel',
  email: 'kari@example.com',
  mobile: '+4700000101',
  address: 'Storgata 1',
  city: 'Oslo',
  postalCode: '0155',
  countryCode: 'NO',
  loyaltyId: 'LOY-1001',
}

export const BAKERY = {
  customerUid: '2001',
  customerType: 'COMPANY',
  companyName: 'Fiktiv Bakeri AS',
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
      customerContactUid: 'contact-bo',
      firstname: 'Bo',
      lastname: 'Baker',
      email: 'bo@bakeri.example.com',
      mobile: '+4700000211',
    },
    { customerContactUid: 'contact-liv', firstname: 'Liv', lastname: 'Lager', email: 'liv@bakeri.example.com' },
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
}

export const GROCER = {
  customerUid: '2002',
  customerType: 'COMPANY',
  companyName: 'Prøvestad Mat AB',
  email: 'hej@provestad.example.com',
  city: 'Göteborg',
  countryCode: 'SE',
}
export const NORTH = { customerUid: '2011', customerType: 'COMPANY', companyName: 'Fiktiv Bakeri avd. Nord' }
export const SOUTH = { customerUid: '2012', customerType: 'COMPANY', companyName: 'Fiktiv Bakeri avd. Sør' }

/** They come at once; Omnium refuses PELLE. */
export const ANNE = {
  customerUid: '1011',
  customerType: 'PERSON',
  firstname: 'Anne',
  lastname: 'Først',
  countryCode: 'SE',
}
export const PELLE = {
  customerUid: '1012',
  customerType: 'PERSON',
  firstname: 'Pelle',
  lastname: 'Parkert',
  email: 'pelle@example.com',
}
export const BJORN = {
  customerUid: '1013',
  customerType: 'PERSON',
  firstname: 'Bjørn',
  lastname: 'Nest',
  mobile: '+4700000113',
}
export const SIST = {
  customerUid: '1014',
  customerType: 'PERSON',
  firstname: '',
  lastname: 'Sist 🎂',
  postalCode: '9990',
}

/** Only edited by the stopwatch. */
export const SIRI = { customerUid: '1050', customerType: 'PERSON', firstname: 'Siri', lastname: 'Sekund' }

/** Who the web shop knows since long ago, as Omnium holds them. */
export const OLA = {
  customerId: 'ola@example.com',
  firstName: 'Ola',
  lastName: '',
  email: 'ola@example.com',
  phone: '+4700000301',
  address: { line1: 'Nettgata 5', line2: '2. etasje', city: 'Bodø', postalCode: '8001', countryCode: 'NO' },
  marketGroupId: 'NO',
  tags: ['newsletter'],
  created: '2024-05-01T10:00:00.000Z',
  modified: '2024-05-02T10:00:00.000Z',
  modifiedBy: 'web-shop',
}
export const FLORIST = {
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
}
