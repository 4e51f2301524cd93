{{/* What a pod needs to reach Kafka by TLS. Take (dict "root" $ "certificate" Secret); without it that of all. */}}
{{- define "sync.tlsVolumes" -}}
{{- with .root.Values.kafka.ca }}
{{- if .existingSecret }}
- { name: ca, secret: { secretName: {{ .existingSecret }}, items: [{ key: {{ .key }}, path: ca.crt }] } }
{{- end }}
{{- end }}
{{- with or .certificate .root.Values.kafka.clientCertificate.existingSecret }}
- { name: client, secret: { secretName: {{ . }}, defaultMode: 0440 } }
{{- end }}
{{- end -}}
{{- define "sync.tlsMounts" -}}
{{- if .root.Values.kafka.ca.existingSecret }}
- { name: ca, mountPath: /etc/flow-omnium-sync/ca, readOnly: true }
{{- end }}
{{- if or .certificate .root.Values.kafka.clientCertificate.existingSecret }}
- { name: client, mountPath: /etc/flow-omnium-sync/client, readOnly: true }
{{- end }}
{{- end -}}

{{- define "sync.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}
