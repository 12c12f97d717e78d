package house_test

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A test is found by the name of the file that it tests: link_test.go or link_frozen_test.go
// beside link.go, or link_test.go beside link_dial.go and link_read.go. What several tests
// share is in main_test.go, harness_test.go, export_test.go or golden_test.go.
func TestTestsAreNamedAfterWhatTheyTest(t *testing.T) {
	t.Parallel()
	shared := []string{"main", "harness", "export", "golden"}
	for folder, f := range goFiles(t, filepath.Join(root, "internal")) {
		if len(f.code) < 2 { // the folder is for one thing
			continue
		}
		for _, test := range f.tests {
			if !slices.Contains(shared, test) && !slices.ContainsFunc(f.code, func(code string) bool {
				return strings.HasPrefix(test+"_", code+"_") || strings.HasPrefix(code+"_", test+"_")
			}) {
				t.Errorf("%s/%s_test.go is named after no file of the folder", folder, test)
			}
		}
	}
}

// folderFiles are the Go files of a folder, without their endings.
type folderFiles struct{ code, tests []string }

func goFiles(t *testing.T, below string) map[string]*folderFiles {
	t.Helper()
	all := map[string]*folderFiles{}
	err := filepath.WalkDir(below, func(path string, _ fs.DirEntry, err error) error {
		name, isGo := strings.CutSuffix(filepath.Base(path), ".go")
		if err != nil || !isGo {
			return err
		}
		folder := filepath.Dir(path)
		if all[folder] == nil {
			all[folder] = &folderFiles{}
		}
		if test, isTest := strings.CutSuffix(name, "_test"); isTest {
			all[folder].tests = append(all[folder].tests, test)
		} else {
			all[folder].code = append(all[folder].code, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
