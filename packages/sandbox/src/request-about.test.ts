import { expect, test } from 'vitest'
import { requestAbout } from './request-about.ts'

test.each([
  ['GET', '/tenants/t/customers', 'list', 'customer', null],
  ['POST', '/tenants/t/customers', 'create', 'customer', null],
  ['GET', '/tenants/t/customers/a%2Fb', 'by-id-read', 'customer', 'a/b'],
  ['PUT', '/tenants/t/customers/1', 'update', 'customer', '1'],
  ['GET', '/tenants/t/customers/1/contacts', 'list', 'contact', null],
  ['PATCH', '/tenants/t/customers/1/contacts/2', 'update', 'contact', '2'],
  ['DELETE', '/tenants/t/customers/1/contacts/2', 'delete', 'contact', '2'],
  ['GET', '/tenants/t/orders/1', 'by-id-read', 'order', '1'],
  ['GET', '/tenants/t/stores/1/orders', 'list', 'order', null],
  ['POST', '/api/token', 'token', null, null],
  ['GET', '/api/PrivateCustomers/%2B47', 'by-id-read', 'private-customer', '+47'],
  ['GET', '/api/PrivateCustomers/%zz', 'by-id-read', 'private-customer', '%zz'],
  ['POST', '/api/PrivateCustomers/Search', 'list', 'private-customer', null],
  ['POST', '/api/PrivateCustomers/Scroll', 'list', 'private-customer', null],
  ['GET', '/api/PrivateCustomers/Scroll/s1', 'list', 'private-customer', null],
  ['GET', '/api/BusinessCustomers/GetAll', 'list', 'business-customer', null],
  ['POST', '/api/BusinessCustomers', 'create', 'business-customer', null],
  ['POST', '/api/BusinessCustomers/Update', 'update', 'business-customer', null],
  ['PATCH', '/api/BusinessCustomers/PatchBusinessCustomer', 'update', 'business-customer', null],
  ['POST', '/api/PrivateCustomers/AddMany', 'create', 'private-customer', null],
  ['PUT', '/api/PrivateCustomers/AddOrUpdateMany', 'update', 'private-customer', null],
  ['DELETE', '/api/PrivateCustomers/1', 'delete', 'private-customer', '1'],
  ['DELETE', '/api/PrivateCustomers/Anonymize', 'update', 'private-customer', null],
  ['PUT', '/api/BusinessCustomer/b1/ContactPerson/AddContactPerson', 'update', 'business-customer', 'b1'],
  ['DELETE', '/api/BusinessCustomer/b1/ContactPerson/DeleteContactPerson', 'update', 'business-customer', 'b1'],
  ['GET', '/api/Orders/1', 'by-id-read', 'order', '1'],
  ['POST', '/api/Orders/Search', 'list', 'order', null],
  ['POST', '/api/Orders', 'create', 'order', null],
  ['GET', '/nowhere', 'other', null, null],
])('%s %s is a %s of a %s', (method, path, requestClass, of, id) => {
  expect(requestAbout(method, path)).toEqual({ class: requestClass, of, id })
})
