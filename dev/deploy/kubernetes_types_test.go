package deploy_test

// The kinds of deploy/kubernetes, as far as the files use them: a key that is not
// here is a fault. The types of Kubernetes' own modules would be a hundred times
// the code that looks at them.

type objectMeta struct {
	Name   string            `yaml:"name"`
	Labels map[string]string `yaml:"labels"`
}

type head struct {
	APIVersion string     `yaml:"apiVersion"`
	Kind       string     `yaml:"kind"`
	Metadata   objectMeta `yaml:"metadata"`
}

type labelSelector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

type kustomization struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Resources  []string `yaml:"resources"`
	ConfigMaps []struct {
		Name  string   `yaml:"name"`
		Files []string `yaml:"files"`
	} `yaml:"configMapGenerator"`
	Images []struct {
		Name    string `yaml:"name"`
		NewName string `yaml:"newName"`
		NewTag  string `yaml:"newTag"`
	} `yaml:"images"`
}

type deployment struct {
	head `yaml:",inline"`
	Spec struct {
		Replicas int           `yaml:"replicas"`
		Selector labelSelector `yaml:"selector"`
		Strategy struct {
			Type          string         `yaml:"type"`
			RollingUpdate map[string]int `yaml:"rollingUpdate"`
		} `yaml:"strategy"`
		Template struct {
			Metadata objectMeta `yaml:"metadata"`
			Spec     podSpec    `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type podSpec struct {
	AutomountToken *bool `yaml:"automountServiceAccountToken"`
	Grace          int   `yaml:"terminationGracePeriodSeconds"`
	Security       struct {
		RunAsNonRoot bool              `yaml:"runAsNonRoot"`
		RunAsUser    int               `yaml:"runAsUser"`
		RunAsGroup   int               `yaml:"runAsGroup"`
		FSGroup      int               `yaml:"fsGroup"`
		Seccomp      map[string]string `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Spread []struct {
		MaxSkew     int           `yaml:"maxSkew"`
		TopologyKey string        `yaml:"topologyKey"`
		When        string        `yaml:"whenUnsatisfiable"`
		Selector    labelSelector `yaml:"labelSelector"`
	} `yaml:"topologySpreadConstraints"`
	Containers []container `yaml:"containers"`
	Volumes    []struct {
		Name      string `yaml:"name"`
		ConfigMap struct {
			Name string `yaml:"name"`
		} `yaml:"configMap"`
		Secret struct {
			Name string `yaml:"secretName"`
			Mode int    `yaml:"defaultMode"`
		} `yaml:"secret"`
	} `yaml:"volumes"`
}

type container struct {
	Name      string                       `yaml:"name"`
	Image     string                       `yaml:"image"`
	Args      []string                     `yaml:"args"`
	Ports     []containerPort              `yaml:"ports"`
	Liveness  probe                        `yaml:"livenessProbe"`
	Readiness probe                        `yaml:"readinessProbe"`
	Resources map[string]map[string]string `yaml:"resources"`
	Security  struct {
		Escalation   *bool               `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRoot bool                `yaml:"readOnlyRootFilesystem"`
		Capabilities map[string][]string `yaml:"capabilities"`
	} `yaml:"securityContext"`
	Mounts []struct {
		Name     string `yaml:"name"`
		Path     string `yaml:"mountPath"`
		ReadOnly bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type containerPort struct {
	Name string `yaml:"name"`
	Port int    `yaml:"containerPort"`
}

type probe struct {
	HTTP struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
	Period    int `yaml:"periodSeconds"`
	Timeout   int `yaml:"timeoutSeconds"`
	Threshold int `yaml:"failureThreshold"`
}

type disruptionBudget struct {
	head `yaml:",inline"`
	Spec struct {
		MinAvailable int           `yaml:"minAvailable"`
		Selector     labelSelector `yaml:"selector"`
	} `yaml:"spec"`
}

type podMonitor struct {
	head `yaml:",inline"`
	Spec struct {
		Selector  labelSelector `yaml:"selector"`
		Endpoints []struct {
			Port     string `yaml:"port"`
			Path     string `yaml:"path"`
			Interval string `yaml:"interval"`
		} `yaml:"podMetricsEndpoints"`
	} `yaml:"spec"`
}

type policyPorts []struct {
	Protocol string `yaml:"protocol"`
	Port     any    `yaml:"port"`
}

type networkPolicy struct {
	head `yaml:",inline"`
	Spec struct {
		Selector labelSelector `yaml:"podSelector"`
		Types    []string      `yaml:"policyTypes"`
		Ingress  []struct {
			From []struct {
				Namespace labelSelector `yaml:"namespaceSelector"`
			} `yaml:"from"`
			Ports policyPorts `yaml:"ports"`
		} `yaml:"ingress"`
		Egress []struct {
			Ports policyPorts `yaml:"ports"`
		} `yaml:"egress"`
	} `yaml:"spec"`
}
