/** The tenant of `npm run dev` and `npm run stack`: the one whose name the documents use. */
export const TENANT = 'acme-no'

/** What makes something happen: a customer at the till, and a look at what came of it. */
export const curlsFor = (admin: { readonly flow: string; readonly omnium: string }): string[] => [
  `curl -s "${admin.flow}/tenants/${TENANT}/customers" \\`,
  `  --json '{"customerUid":"1000","customerType":"PERSON","firstname":"Kari","lastname":"Eksempel"}'`,
  `curl -s "${admin.omnium}/state"`,
]
