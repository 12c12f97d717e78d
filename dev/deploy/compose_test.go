package deploy_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/cli/clitest"
)

// The compose files, and what walpost does in them.
const (
	composeFile  = "docker-compose.yml"
	composeOrder = "examples/orders/compose.yaml"
)

func composeCommands() map[string][]string {
	return map[string][]string{composeFile: {"init", "run"}, composeOrder: {"init", "run", "topics"}}
}

// compose is a compose file, as far as it uses the compose specification: a key
// that is not here is a fault.
type compose struct {
	dir      string             // of the file, below the project's
	Name     string             `yaml:"name"`
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

type service struct {
	Image string `yaml:"image"`
	Build struct {
		Context string `yaml:"context"`
		Target  string `yaml:"target"`
	} `yaml:"build"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Healthcheck struct {
		Test     []string `yaml:"test"`
		Interval string   `yaml:"interval"`
		Timeout  string   `yaml:"timeout"`
		Retries  int      `yaml:"retries"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	Restart         string   `yaml:"restart"`
	StopGracePeriod string   `yaml:"stop_grace_period"`
}

func loadCompose(t *testing.T, file string) *compose {
	t.Helper()
	c := compose{dir: path.Dir(file)}
	strict(t, read(t, file), &c)
	return &c
}

// pinned is an image with a version of at least two numbers.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z]+)?$`)

func TestComposeIsWhole(t *testing.T) {
	t.Parallel()
	for file := range composeCommands() {
		t.Run(path.Base(path.Dir(file)), func(t *testing.T) {
			t.Parallel()
			wantWhole(t, loadCompose(t, file))
		})
	}
}

func wantWhole(t *testing.T, c *compose) {
	t.Helper()
	stages := dockerStages(t)
	for name, s := range c.Services {
		if built := s.Build.Target != ""; built == (s.Image != "") {
			t.Errorf("%s: one of image and build.target", name)
		} else if built && (path.Join(c.dir, s.Build.Context) != "." || !slices.Contains(stages, s.Build.Target)) {
			t.Errorf("%s: the Dockerfile has no stage %s", name, s.Build.Target)
		} else if !built && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %s is not pinned", name, s.Image)
		}
		if s.Image != "" && (len(s.Healthcheck.Test) < 2 || s.Healthcheck.Interval == "" || s.Healthcheck.Retries == 0) {
			t.Errorf("%s has no health check", name)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to the network", name, p)
			}
		}
		wantStartOrder(t, c, name)
		wantMounts(t, c, name)
	}
}

// wantStartOrder fails the test for a service that waits for one that cannot say
// when it is there.
func wantStartOrder(t *testing.T, c *compose, name string) {
	t.Helper()
	for other, on := range c.Services[name].DependsOn {
		s, there := c.Services[other]
		switch {
		case !there:
			t.Errorf("%s waits for %s, which is not there", name, other)
		case on.Condition == "service_healthy" && len(s.Healthcheck.Test) == 0 && s.Build.Target != "walpost":
			t.Errorf("%s waits for the health of %s, which has no check", name, other)
		case on.Condition == "service_completed_successfully" && s.Restart != "":
			t.Errorf("%s waits for the end of %s, which is started again", name, other)
		case on.Condition != "service_healthy" && on.Condition != "service_completed_successfully":
			t.Errorf("%s waits for %s to be started only", name, other)
		}
	}
}

// wantMounts fails the test for mounts of what is not there.
func wantMounts(t *testing.T, c *compose, name string) {
	t.Helper()
	for _, v := range c.Services[name].Volumes {
		from, rest, _ := strings.Cut(v, ":")
		if !strings.HasPrefix(from, ".") {
			if _, there := c.Volumes[from]; !there {
				t.Errorf("%s: volume %s is not declared", name, from)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join(root, c.dir, from)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasSuffix(rest, ":ro") {
			t.Errorf("%s may write to %s", name, from)
		}
	}
}

// mounted is the project's path of a path in a service's container; "" when
// nothing of the project is there.
func mounted(s *service, inside string) string {
	for _, v := range s.Volumes {
		from, to, _ := strings.Cut(strings.TrimSuffix(v, ":ro"), ":")
		if rest, under := strings.CutPrefix(inside, to); under && (rest == "" || rest[0] == '/') {
			return path.Join(from, rest)
		}
	}
	return ""
}

// The commands are walpost's own, and read files that load with the variables that
// the service has.
func TestComposeRunsWalpost(t *testing.T) {
	t.Parallel()
	for file, want := range composeCommands() {
		t.Run(path.Base(path.Dir(file)), func(t *testing.T) {
			t.Parallel()
			wantCommands(t, loadCompose(t, file), want)
		})
	}
}

func wantCommands(t *testing.T, c *compose, want []string) {
	t.Helper()
	var commands []string
	for name, s := range c.Services {
		if s.Build.Target != "walpost" {
			continue
		}
		commands = append(commands, s.Command[0])
		wantCommand(t, name, s.Command...)
		config := mounted(&s, s.Command[slices.Index(s.Command, "-c")+1])
		cmd := clitest.Command(t, "config", "print", "-c", filepath.Join(root, c.dir, config))
		cmd.Env = []string{clitest.Env}
		for key, value := range s.Environment {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		wantCommand(t, name, healthCommand(t)...)
	}
	slices.Sort(commands)
	if !slices.Equal(commands, want) {
		t.Errorf("it runs %v, want %v", commands, want)
	}
}

// What watches it finds the relay, the rules and the dashboard.
func TestComposeWatches(t *testing.T) {
	t.Parallel()
	c := loadCompose(t, composeFile)
	prometheus, grafana := c.Services["prometheus"], c.Services["grafana"]
	const config = "/etc/prometheus/prometheus.yml"
	if !slices.Contains(prometheus.Command, "--config.file="+config) || mounted(&prometheus, config) == "" {
		t.Errorf("Prometheus reads no file of ours: %v", prometheus.Command)
	}
	var file struct {
		Global    map[string]string `yaml:"global"`
		RuleFiles []string          `yaml:"rule_files"`
		Scrapes   []struct {
			Job     string `yaml:"job_name"`
			Targets []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	strict(t, read(t, mounted(&prometheus, config)), &file)
	if rules := mounted(&prometheus, path.Join(path.Dir(config), file.RuleFiles[0])); rules != rulesFile {
		t.Errorf("the rules are %q", rules)
	}
	if target := file.Scrapes[0].Targets[0].Targets[0]; target != "walpost:9464" ||
		!slices.Contains(c.Services["walpost"].Ports, "127.0.0.1:9464:9464") {
		t.Errorf("Prometheus scrapes %s", target)
	}
	var source struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool              `yaml:"isDefault"`
			JSON                         map[string]string `yaml:"jsonData"`
		} `yaml:"datasources"`
	}
	strict(t, read(t, mounted(&grafana, "/etc/grafana/provisioning/datasources/prometheus.yml")), &source)
	if url := source.Datasources[0].URL; url != "http://prometheus:9090" ||
		source.Datasources[0].JSON["timeInterval"] != file.Global["scrape_interval"] {
		t.Errorf("Grafana asks %s, every %v", url, source.Datasources[0].JSON)
	}
	var dashboards struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Type      string
			DisableDeletion bool `yaml:"disableDeletion"`
			Options         struct{ Path string }
		} `yaml:"providers"`
	}
	strict(t, read(t, mounted(&grafana, "/etc/grafana/provisioning/dashboards/walpost.yml")), &dashboards)
	home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if path.Dir(home) != dashboards.Providers[0].Options.Path || mounted(&grafana, home) != "deploy/grafana/walpost.json" {
		t.Errorf("Grafana's dashboard is %s, it looks in %s", home, dashboards.Providers[0].Options.Path)
	}
}
