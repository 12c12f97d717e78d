package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// browser is one tab of a Chromium.
type browser struct {
	ctx context.Context

	mu       sync.Mutex
	console  []string // warnings, errors, exceptions
	requests []string // addresses that were asked
}

// executable finds Chromium. Without it the test fails: a page that nobody has
// looked at is not tested.
func executable(t *testing.T) string {
	t.Helper()
	devstacktest.SkipShort(t, "Chromium")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium to look at the page with: install it (Debian, Ubuntu: apt-get install chromium)")
	return ""
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(executable(t)),
		chromedp.WSURLReadTimeout(devstacktest.Patience)) // its first start takes long on a busy machine
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	ctx, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	b := &browser{ctx: ctx}
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil { // the browser lives as long as the first context
		t.Fatal(err)
	}
	call(t, b, network.Enable, network.EnableParams{})
	call(t, b, runtime.Enable, cdp.Empty{})
	if err := chromedp.Listen(ctx, b.heard); err != nil {
		t.Fatal(err)
	}
	b.resize(t, 1280, 900, false)
	return b
}

// heard notes what the page asks for and complains of.
func (b *browser) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		for _, arg := range e.Args {
			b.console = append(b.console, fmt.Sprintf("%s: %s", e.Type, arg.Value))
		}
	case *runtime.EventExceptionThrown:
		b.console = append(b.console, e.ExceptionDetails.Text)
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

// quiet fails the test if the page has complained, or has asked anybody but its own
// server.
func (b *browser) quiet(t *testing.T, origin string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.console) > 0 {
		t.Errorf("the console has %q", b.console)
	}
	if len(b.requests) == 0 {
		t.Error("no request was seen: nothing is tested")
	}
	for _, url := range b.requests {
		if !strings.HasPrefix(url, origin+"/") && !strings.HasPrefix(url, "data:") {
			t.Errorf("the page asks %s", url)
		}
	}
}

func (b *browser) do(t *testing.T, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, devstacktest.Patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, action); err != nil {
		t.Fatal(err)
	}
}

// call sends a command of the DevTools protocol.
func call[P, R any](t *testing.T, b *browser, command cdp.Command[P, R], params P) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, devstacktest.Patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		t.Fatal(err)
	}
}

// evaluate returns what a script says.
func evaluate[T any](t *testing.T, b *browser, script string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, devstacktest.Patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	return value
}

// resize sets the size of the window, in CSS pixels, and whether it is that of a phone.
func (b *browser) resize(t *testing.T, width, height int64, phone bool) {
	t.Helper()
	call(t, b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: phone,
	})
}

// scheme is what the operator's system prefers: light or dark.
func (b *browser) scheme(t *testing.T, value string) {
	t.Helper()
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}},
	})
}

// screenshot writes the whole page as a PNG.
func (b *browser) screenshot(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, devstacktest.Patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if len(png) < 10_000 {
		t.Errorf("%s: %d bytes are no picture of the page", name, len(png))
	}
	keep(t, name, png)
}

// portrait writes what the page shows of one relay, for the README.
func (b *browser) portrait(t *testing.T, relay, name string) {
	t.Helper()
	evaluate[bool](t, b, fmt.Sprintf(`[...document.querySelectorAll('article')].filter(a => a.querySelector('h2').textContent === `+
		`%q).map(a => a.id = 'portrait').length === 1`, relay))
	ctx, cancel := context.WithTimeout(b.ctx, devstacktest.Patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.Screenshot("#portrait"))
	if err != nil {
		t.Fatal(err)
	}
	keep(t, name, png)
}

// keep writes a picture to the folder of WALPOST_SCREENSHOTS, or else to one that goes
// with the test.
func keep(t *testing.T, name string, png []byte) {
	t.Helper()
	folder := os.Getenv("WALPOST_SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}
