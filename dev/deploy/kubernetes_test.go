package deploy_test

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
)

const kubernetes = "deploy/kubernetes"

// object reads one of the files and looks at its kind.
func object(t *testing.T, file, apiVersion, kind string, into any, as *head) {
	t.Helper()
	strict(t, read(t, kubernetes, file), into)
	if as.APIVersion != apiVersion || as.Kind != kind || as.Metadata.Name != "walpost" {
		t.Errorf("%s is %s %s %q", file, as.APIVersion, as.Kind, as.Metadata.Name)
	}
}

func loadDeployment(t *testing.T) *deployment {
	t.Helper()
	var d deployment
	object(t, "deployment.yaml", "apps/v1", "Deployment", &d, &d.head)
	return &d
}

// clusterConfig is the configuration of the ConfigMap, with the Secret's keys as
// files of the test.
func clusterConfig(t *testing.T) *config.Config {
	t.Helper()
	secrets := t.TempDir()
	for _, key := range []string{"postgres-password", "kafka-password", "ca.pem"} {
		if err := os.WriteFile(filepath.Join(secrets, key), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(read(t, kubernetes, "kustomization.yaml"), key) {
			t.Errorf("kustomization.yaml does not say that the Secret has %s", key)
		}
	}
	text := strings.ReplaceAll(read(t, kubernetes, "orders.yaml"), "/run/secrets/walpost", secrets)
	cfgs, err := config.LoadAll([]string{write(t, "orders.yaml", text)})
	if err != nil {
		t.Fatal(err)
	}
	return cfgs[0]
}

func TestKustomizationNamesAll(t *testing.T) {
	t.Parallel()
	var k kustomization
	strict(t, read(t, kubernetes, "kustomization.yaml"), &k)
	found, err := filepath.Glob(filepath.Join(root, kubernetes, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range found {
		files = append(files, filepath.Base(f))
	}
	named := append([]string{"kustomization.yaml"}, k.Resources...)
	named = append(named, k.ConfigMaps[0].Files...)
	slices.Sort(named)
	if !slices.Equal(named, files) {
		t.Errorf("it names %v, the folder has %v", named, files)
	}
	spec := loadDeployment(t).Spec.Template.Spec
	if k.Images[0].Name != spec.Containers[0].Image || k.Images[0].NewTag == "" || k.Images[0].NewTag == "latest" {
		t.Errorf("image %+v, the deployment's is %q", k.Images[0], spec.Containers[0].Image)
	}
	if k.ConfigMaps[0].Name != spec.Volumes[0].ConfigMap.Name {
		t.Errorf("ConfigMap %q, the deployment mounts %q", k.ConfigMaps[0].Name, spec.Volumes[0].ConfigMap.Name)
	}
}

func TestDeploymentRunsWalpost(t *testing.T) {
	t.Parallel()
	d, cfg := loadDeployment(t), clusterConfig(t)
	pod := d.Spec.Template.Spec
	c := pod.Containers[0]
	wantCommand(t, "deployment.yaml", c.Args...)
	mounts := map[string]string{}
	for _, m := range c.Mounts {
		mounts[m.Name] = m.Path
		if !m.ReadOnly {
			t.Errorf("%s may be written to", m.Path)
		}
	}
	if want := map[string]string{"config": c.Args[2], "secrets": "/run/secrets/walpost"}; !maps.Equal(mounts, want) {
		t.Errorf("mounts %v, want %v", mounts, want)
	}
	if _, port, _ := net.SplitHostPort(cfg.Admin.Listen); port != strconv.Itoa(c.Ports[0].Port) {
		t.Errorf("port %d, the file listens on %s", c.Ports[0].Port, cfg.Admin.Listen)
	}
	// A deployment with a standby probes readiness with /healthz.
	for _, p := range []probe{c.Liveness, c.Readiness} {
		if p.HTTP.Path != "/healthz" || p.HTTP.Port != c.Ports[0].Name {
			t.Errorf("a probe asks %s at port %s", p.HTTP.Path, p.HTTP.Port)
		}
	}
	if grace := float64(pod.Grace); grace <= cfg.ShutdownTimeout.Seconds() {
		t.Errorf("%v s until it is killed, shutdown_timeout is %s", grace, cfg.ShutdownTimeout)
	}
	if d.Spec.Replicas != 2 || d.Spec.Strategy.RollingUpdate["maxUnavailable"] != 0 {
		t.Errorf("%d replicas, %v", d.Spec.Replicas, d.Spec.Strategy)
	}
}

func TestDeploymentIsConfined(t *testing.T) {
	t.Parallel()
	pod := loadDeployment(t).Spec.Template.Spec
	c := pod.Containers[0]
	if s := pod.Security; !s.RunAsNonRoot || s.RunAsUser != 65532 || s.RunAsGroup != 65532 || s.FSGroup != 65532 ||
		s.Seccomp["type"] != "RuntimeDefault" {
		t.Errorf("%+v", s)
	}
	if s := c.Security; s.Escalation == nil || *s.Escalation || !s.ReadOnlyRoot || !slices.Equal(s.Capabilities["drop"], []string{"ALL"}) {
		t.Errorf("%+v", s)
	}
	if pod.AutomountToken == nil || *pod.AutomountToken {
		t.Error("the pod has a token for the API server")
	}
	if c.Resources["requests"]["memory"] == "" || c.Resources["requests"]["cpu"] == "" || c.Resources["limits"]["memory"] == "" {
		t.Errorf("%v", c.Resources)
	}
	if mode := pod.Volumes[1].Secret.Mode; mode != 0o440 {
		t.Errorf("secrets have mode %o", mode)
	}
}

// All objects mean the pods of the deployment, by the labels they have.
func TestSelectorsMeanTheDeployment(t *testing.T) {
	t.Parallel()
	d := loadDeployment(t)
	var budget disruptionBudget
	object(t, "poddisruptionbudget.yaml", "policy/v1", "PodDisruptionBudget", &budget, &budget.head)
	var monitor podMonitor
	object(t, "podmonitor.yaml", "monitoring.coreos.com/v1", "PodMonitor", &monitor, &monitor.head)
	var policy networkPolicy
	object(t, "networkpolicy.yaml", "networking.k8s.io/v1", "NetworkPolicy", &policy, &policy.head)
	pod := d.Spec.Template
	for i, s := range []labelSelector{
		d.Spec.Selector, pod.Spec.Spread[0].Selector, budget.Spec.Selector, monitor.Spec.Selector, policy.Spec.Selector,
	} {
		if len(s.MatchLabels) == 0 || !maps.Equal(s.MatchLabels, pod.Metadata.Labels) {
			t.Errorf("selector %d is %v, the pods are %v", i, s.MatchLabels, pod.Metadata.Labels)
		}
	}
	port := pod.Spec.Containers[0].Ports[0].Name
	if e := monitor.Spec.Endpoints[0]; e.Port != port || e.Path != "/metrics" {
		t.Errorf("PodMonitor asks %+v", e)
	}
	if p := policy.Spec.Ingress[0].Ports[0]; p.Port != port {
		t.Errorf("the network policy lets in to port %v", p.Port)
	}
	if budget.Spec.MinAvailable >= d.Spec.Replicas {
		t.Error("no node can be drained")
	}
	wantEgress(t, &policy)
}

// wantEgress fails the test unless the policy lets out to the servers of the
// configuration.
func wantEgress(t *testing.T, policy *networkPolicy) {
	t.Helper()
	open := map[string]bool{}
	for _, rule := range policy.Spec.Egress {
		for _, p := range rule.Ports {
			open[fmt.Sprint(p.Protocol, p.Port)] = true
		}
	}
	var file struct {
		Postgres struct{ URL string }
		Kafka    struct{ Brokers []string }
	}
	if err := yamlLoad(read(t, kubernetes, "orders.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	postgres, err := url.Parse(file.Postgres.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, kafka, err := net.SplitHostPort(file.Kafka.Brokers[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, need := range []string{"UDP53", "TCP53", "TCP" + postgres.Port(), "TCP" + kafka} {
		if !open[need] {
			t.Errorf("the network policy does not let out to %s", need)
		}
	}
}
