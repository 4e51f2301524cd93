import { HTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication'
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule'
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { Service } from 'kubernetes-models/v1/Service'

/** Generated from the OpenAPI of Kubernetes and from the CRDs of the operators, by the packages that they come from. */
const MODELS = [
  ...[Deployment, Job, Service, Ingress, NetworkPolicy, PodDisruptionBudget],
  ...[ScaledObject, TriggerAuthentication, HTTPRoute, ServiceMonitor, PrometheusRule],
]

/** What is wrong with a manifest by the schema of its kind: wrong values, and fields that the schema doesn't know. */
export const manifestProblems = (manifest) => {
  const Model = MODELS.find(({ apiVersion, kind }) => apiVersion === manifest.apiVersion && kind === manifest.kind)
  if (Model === undefined) return [`no schema for ${manifest.apiVersion} ${manifest.kind}`]
  const { watched, unread } = watch(manifest)
  try {
    // A model of its own would be a copy, that nobody watches.
    Model.prototype.validate.call(watched)
  } catch (error) {
    return [error.message]
  }
  return unread().map((path) => `${path} is unknown`)
}

/**
 * These schemas let unknown fields pass, as the API does. But a validator looks at each field that it knows: of an object
 * in which it looked at any, those that it did not look at are unknown. One that it never looked into may hold anything.
 */
function watch(root) {
  const objects = []
  const wrap = (value, path) => {
    if (typeof value !== 'object' || value === null) return value
    const read = new Set()
    const inner = new Map()
    objects.push({ value, path, read })
    return new Proxy(value, {
      get(target, key) {
        read.add(key)
        if (!inner.has(key)) inner.set(key, wrap(target[key], `${path}/${String(key)}`))
        return inner.get(key)
      },
    })
  }
  const unread = () =>
    objects
      .filter(({ value, read }) => !Array.isArray(value) && read.size > 0)
      .flatMap(({ value, path, read }) => Object.keys(value).flatMap((key) => (read.has(key) ? [] : `${path}/${key}`)))
  return { watched: wrap(root, ''), unread }
}
