import type { Fields } from './fields.ts'

/**
 * The names of the fields of Omnium's documented models. `name:Model` is a field that holds a model of this table, or a
 * list of it. A field of a model that is not in this table stands without a model, and nobody looks into its value.
 * Source: the names and types in Omnium's public OpenAPI document.
 */
const NAMES = {
  OmniumAddress:
    'apartmentNumber city countryCode countryName email externalId line1 line2 locationName name phone ' +
    'postalCode properties:OmniumPropertyItem purposes regionCode regionName state streetNumber',
  OmniumExternalId: 'id providerName',
  OmniumPropertyItem: 'key keyGroup value valueType',
  /** The body of DeleteContactPerson; the name of the model is ours. */
  ContactPersonRemoval: 'contactPersonId email phone',
  OmniumConsent: 'content date description marketIds source status type',
  OmniumContactPerson:
    'address:OmniumAddress email externalIds:OmniumExternalId firstName id isPrimaryContact lastName notify ' +
    'phone privateCustomerId properties:OmniumPropertyItem role roles',
  OmniumCustomerGroupReference: 'id name',
  OmniumCustomerRelation:
    'customerId customerType externalIds:OmniumExternalId properties:OmniumPropertyItem relationType',
  OmniumPrivateCustomer:
    'additionalMarketIds address:OmniumAddress addresses:OmniumAddress assortmentExcludeCategoryIds ' +
    'assortmentIncludeCategoryIds birthDate bonusPoints consentHistory consents:OmniumConsent created ' +
    'customerDetails customerGroups:OmniumCustomerGroupReference customerId customerNumber ' +
    'customerRelations:OmniumCustomerRelation discountCoupons email externalIds:OmniumExternalId firstName ' +
    'fullName gender isCustomerClubMember isGlobal isInactive lastName marketGroupId marketId modified ' +
    'modifiedBy paymentTerms paymentTermsNet phone preferredCurrency preferredLanguage ' +
    'preferredShippingMethod properties:OmniumPropertyItem storeIds tags url',
  OmniumPrivateCustomerPatch:
    'additionalMarketIds address:OmniumAddress addresses:OmniumAddress birthDate bonusPoints ' +
    'consents:OmniumConsent customerDetails customerGroups:OmniumCustomerGroupReference customerId ' +
    'customerNumber customerRelations:OmniumCustomerRelation email externalIds:OmniumExternalId firstName ' +
    'gender isCustomerClubMember isGlobal isInactive keepExistingCustomProperties lastName marketGroupId ' +
    'marketId paymentTerms paymentTermsNet phone preferredCurrency preferredLanguage preferredShippingMethod ' +
    'properties:OmniumPropertyItem propertiesRemovalConditions:OmniumPropertyItem storeIds tags url',
  OmniumBusinessCustomer:
    'additionalMarketIds address:OmniumAddress addresses:OmniumAddress assets assortmentCodes ' +
    'assortmentExcludeCategoryIds assortmentIncludeCategoryIds businessCustomerCredit consentHistory ' +
    'consents:OmniumConsent contacts:OmniumContactPerson created creditBalance creditLimit creditRemaining ' +
    'customerDetails customerGroups:OmniumCustomerGroupReference customerId customerNumber ' +
    'customerRelations:OmniumCustomerRelation discountGroups email externalIds:OmniumExternalId ' +
    'isAssortmentRestricted isCreditDenied isGlobal isInactive logo marketGroupId marketId modified ' +
    'modifiedBy name notificationEmailAddresses notificationPhoneNumbers paymentTerms paymentTermsNet phone ' +
    'preferredCurrency preferredLanguage preferredShippingMethod priceGroups properties:OmniumPropertyItem ' +
    'punchOutDomain punchOutPropertyOverrides:OmniumPropertyItem punchOutUnitConversionList storeIds tags ' +
    'taxId url',
  OmniumBusinessCustomerPatch:
    'additionalMarketIds address:OmniumAddress addresses:OmniumAddress consents:OmniumConsent ' +
    'contacts:OmniumContactPerson creditBalance creditLimit creditRemaining customerDetails ' +
    'customerGroups:OmniumCustomerGroupReference customerId customerNumber ' +
    'customerRelations:OmniumCustomerRelation email externalIds:OmniumExternalId isAssortmentRestricted ' +
    'isCreditDenied isGlobal isInactive keepExistingCustomProperties marketGroupId marketId name ' +
    'notificationEmailAddresses notificationPhoneNumbers paymentTerms paymentTermsNet phone preferredCurrency ' +
    'preferredLanguage preferredShippingMethod properties:OmniumPropertyItem ' +
    'propertiesRemovalConditions:OmniumPropertyItem punchOutDomain ' +
    'punchOutPropertyOverrides:OmniumPropertyItem punchOutUnitConversionList storeIds tags taxId url',
  OmniumCustomerSearchRequest:
    'consentTypes createdFrom createdTo customerGroups customerId customerIds customerNumbers email ' +
    'excludedTags externalIds isCustomerClubMember isGlobal isInactive isMarketGroupIdsRequired ' +
    'isStoreIdsRequired marketGroupIds marketIds modifiedFrom modifiedTo page phone projectTypeId ' +
    'properties:OmniumPropertyItem query searchStoreGroups sortOrder storeGroupId storeIds tags take taxId',
  OmniumOrder:
    'assets billingAddress billingCurrency completed contactPerson:OmniumContactPerson created ' +
    'customerClubMemberId customerContact customerEmail customerId customerName customerNumber customerPhone ' +
    'customerPickupDeadline customerReference customerRequisition customerType discountTotalIncVat errors ' +
    'externalIds:OmniumExternalId followUpDate groups id invoiceComment isNewCustomer isNotificationsDisabled ' +
    'isReadOnly lineItemsCost marketId modified modifiedBy netTotal netTotalExclTax nextOrderStatus orderForm ' +
    'orderNotes orderNumber orderOrigin orderType paymentTermsNet paymentType projectId projectIds ' +
    'properties:OmniumPropertyItem publicOrderNotes readyForPickup received relatedOrders remainingPayment ' +
    'replacementOrderIds requestedDeliveryDate returnOrderForms salesChannel salesPersonId salesPersonName ' +
    'secretKey session shippingDiscountTotal shippingSubTotal status storeId storePickDate subTotal ' +
    'subTotalExclTax subscriptionId tags taxTotal total totalExclTax updateStatusDate versionId',
  OmniumOrderSearchRequest:
    'completedFrom completedTo contactPersonEmail contactPersonPhone createdFrom createdTo customerContact ' +
    'customerId customerIds customerName customerNumber disableFacets email ' +
    'excludedShipmentExternalIdProviders excludedStatuses excludedTags externalIds followUpDateFrom ' +
    'followUpDateTo futureDeliveries hasErrors inventoryStatus modifiedFrom modifiedTo orderNumber orderType ' +
    'page paymentStatuses paymentTransactionDateFrom paymentTransactionDateTo paymentTransactionStatus ' +
    'paymentTransactionTypes phone picklistIds productNumbers productSerialNumbers productTypes projectId ' +
    'properties:OmniumPropertyItem property:OmniumPropertyItem readyForPickupFrom readyForPickupTo ' +
    'salesChannels salesPersonId searchText secretKey selectedDiscounts selectedMarkets selectedStatuses ' +
    'selectedStores shipmentExternalIds shippingMethodName shippingMethodNames showOrdersWithAuthExpires ' +
    'sortOrder subscriptionId tags take urgent',
} as const
export type OmniumModel = keyof typeof NAMES

type Model = ReadonlyMap<string, OmniumModel | null>

const MODELS = new Map<OmniumModel, Model>(
  (Object.keys(NAMES) as OmniumModel[]).map((model) => [model, modelOf(NAMES[model])]),
)

function modelOf(names: string): Model {
  return new Map(
    names.split(' ').map((name) => {
      const [field = '', nested] = name.split(':')
      return [field, (nested ?? null) as OmniumModel | null]
    }),
  )
}

/**
 * The paths of the fields that the model lacks, such as `contacts.mobile`: each path once, without the positions in
 * lists. `allowed` holds further paths that the model may have.
 */
export function fieldsOutsideOf(
  model: OmniumModel,
  body: unknown,
  allowed: ReadonlySet<string> = new Set(),
): readonly string[] {
  const found = new Set<string>()
  const look = (fields: Model, value: unknown, prefix: string) => {
    for (const [name, part] of objectsIn(value).flatMap(Object.entries)) {
      const path = prefix + name
      const nested = fields.get(name)
      if (nested === undefined && !allowed.has(path)) found.add(path)
      if (nested) look(MODELS.get(nested)!, part, `${path}.`)
    }
  }
  look(MODELS.get(model)!, body, '')
  return [...found]
}

/** The paths of all fields of a value, as `fieldsOutsideOf` names them. */
export function fieldPaths(value: unknown, prefix = ''): readonly string[] {
  return objectsIn(value)
    .flatMap(Object.entries)
    .flatMap(([name, part]) => [prefix + name, ...fieldPaths(part, `${prefix}${name}.`)])
}

const objectsIn = (value: unknown): Fields[] =>
  (Array.isArray(value) ? value : [value]).filter((part) => typeof part === 'object' && part !== null)
