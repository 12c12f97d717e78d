package notify_test

import (
	"sync"
	"testing"

	"github.com/walpost/walpost/internal/notify"
)

func waiting(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestSignalStandsForAllThatCame(t *testing.T) {
	t.Parallel()
	s := notify.NewSignal()
	s.Notify()
	s.Notify()
	if !waiting(s) || waiting(s) {
		t.Error("two notifications are not one")
	}
	s.Clear()
	s.Notify()
	s.Clear()
	if waiting(s) {
		t.Error("a notification was not discarded")
	}
}

func TestArmedNotifiesOnceAfterEachArm(t *testing.T) {
	t.Parallel()
	a := notify.NewArmed()
	if a.Notify(); waiting(a.C()) {
		t.Error("notified without Arm")
	}
	a.Arm()
	a.Notify()
	a.Notify()
	if !waiting(a.C()) || waiting(a.C()) {
		t.Error("want one notification")
	}
	a.Arm()
	a.Notify()
	a.Arm() // the notification is from before
	if waiting(a.C()) {
		t.Error("notified of what happened before Arm")
	}
}

func TestNoNotificationIsLost(t *testing.T) {
	t.Parallel()
	s, a := notify.NewSignal(), notify.NewArmed()
	var group sync.WaitGroup
	for range 1000 {
		a.Arm()
		group.Go(s.Notify)
		group.Go(a.Notify)
		<-s
		<-a.C()
	}
	group.Wait()
}

func TestNotifyAllocatesNothing(t *testing.T) {
	s, a := notify.NewSignal(), notify.NewArmed()
	if n := testing.AllocsPerRun(100, func() { s.Notify(); a.Arm(); a.Notify() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
