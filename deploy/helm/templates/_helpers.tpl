{{- define "sync.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "sync.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* What selects the pods of a service. Takes (dict "root" $ "service" name). */}}
{{- define "sync.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end -}}

{{- define "sync.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ printf "%s@%s" .repository .digest }}
{{- else -}}{{ printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Names of the services that take webhooks, each by the peer that sends them. */}}
{{- define "sync.webhooks" -}}
flow: flow-ingest
omnium: omnium-ingest
{{- end -}}

{{/* The topics whose lag says that a service has more to do. Not its retry lane: what is there waits, and more processes
would only wait as well. */}}
{{- define "sync.topics" -}}
flow-ingest: [flow.notifications.v1]
omnium-ingest: [omnium.notifications.v1]
customer-mapper: [flow.customers.v1, omnium.orders.v1, omnium.customers.v1]
relation-manager: [company.parent-changes.v1]
{{- end -}}

{{/* Every pod: not root, nothing to write on, no rights. */}}
{{- define "sync.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end -}}
{{- define "sync.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* What any pod of ours needs to reach Kafka and the registry. Takes (dict "root" $ "more" extra variables "user" Secret
"certificate" Secret); without the last two those of all. */}}
{{- define "sync.env" -}}
{{- $values := .root.Values -}}
{{- $env := dict
  "KAFKA_BROKERS" (required "kafka.brokers must be set: host:port, several with commas" $values.kafka.brokers)
  "KAFKA_SSL" (toString $values.kafka.ssl)
  "SCHEMA_REGISTRY_URL" (required "schemaRegistry.url must be set" $values.schemaRegistry.url)
  "TOPIC_PREFIX" $values.topicPrefix -}}
{{- with $values.kafka.sasl.mechanism }}{{ $_ := set $env "KAFKA_SASL_MECHANISM" . }}{{ end -}}
{{- if $values.kafka.ca.existingSecret -}}
{{- $_ := set $env "NODE_EXTRA_CA_CERTS" "/etc/flow-omnium-sync/ca/ca.crt" -}}
{{- if $values.kafka.ssl }}{{ $_ := set $env "KAFKA_SSL_CA_FILE" "/etc/flow-omnium-sync/ca/ca.crt" }}{{ end -}}
{{- end -}}
{{- if or .certificate $values.kafka.clientCertificate.existingSecret -}}
{{- $_ := set $env "KAFKA_SSL_CERT_FILE" "/etc/flow-omnium-sync/client/tls.crt" -}}
{{- $_ := set $env "KAFKA_SSL_KEY_FILE" "/etc/flow-omnium-sync/client/tls.key" -}}
{{- end -}}
{{- range $name, $value := mergeOverwrite $env $values.env .more }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- $user := .user }}
{{- with $values.kafka.sasl }}
{{- if .mechanism }}
{{- $secret := required "kafka.sasl.existingSecret must be set with kafka.sasl.mechanism" (or $user .existingSecret) }}
- name: KAFKA_SASL_USERNAME
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ .usernameKey }} } }
- name: KAFKA_SASL_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ .passwordKey }} } }
{{- end }}
{{- end }}
{{- with $values.schemaRegistry }}
{{- if .existingSecret }}
- name: SCHEMA_REGISTRY_USERNAME
  valueFrom: { secretKeyRef: { name: {{ .existingSecret }}, key: {{ .usernameKey }} } }
- name: SCHEMA_REGISTRY_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .existingSecret }}, key: {{ .passwordKey }} } }
{{- end }}
{{- end }}
{{- end -}}
