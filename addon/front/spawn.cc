// The birth of a child; see spawn.h.
#include "spawn.h"

#include <asm/signal.h>
#include <linux/sched.h>

#include "../sys/calls.h"

namespace tsrunc::front {
namespace {

// Not inlined: the child goes on in the same stack, and must not change what its parent finds there.
__attribute__((noinline)) long Clone(unsigned long flags, int (*child)(void*), void* argument) {
  unsigned long all = CLONE_VM | CLONE_VFORK | SIGCHLD | flags;
  long pid = sys::Raw(__NR_clone, static_cast<long>(all), 0, 0, 0, 0);
  if (pid == 0) sys::Exit(child(argument));
  return pid;
}

}  // namespace

sys::Outcome Spawn(unsigned long flags, int (*child)(void*), void* argument) {
  // No handler of ours may run in the child while it shares our memory.
  uint64_t all = ~uint64_t{0}, before = 0;
  (void)sys::Raw(__NR_rt_sigprocmask, SIG_SETMASK, sys::Arg(&all), sys::Arg(&before), 8);
  long pid = Clone(flags, child, argument);
  (void)sys::Raw(__NR_rt_sigprocmask, SIG_SETMASK, sys::Arg(&before), 0, 8);
  return pid < 0 ? sys::Fail(static_cast<int>(-pid), sys::Call::k_clone3) : sys::Ok(pid);
}

}  // namespace tsrunc::front
