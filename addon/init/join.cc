// Joining, see join.h.
#include "join.h"

#include <linux/sched.h>

#include "../sys/process.h"

namespace tsrunc::init {
namespace {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

struct Kind {
  uint64_t flag;
  const char* file;
};
// The mount namespace last but one: what /proc is changes with it. User namespaces: see JoinOpened.
constexpr Kind kKinds[] = {{CLONE_NEWIPC, "ns/ipc"}, {CLONE_NEWUTS, "ns/uts"},       {CLONE_NEWNET, "ns/net"},
                           {CLONE_NEWPID, "ns/pid"}, {CLONE_NEWCGROUP, "ns/cgroup"}, {CLONE_NEWTIME, "ns/time"},
                           {CLONE_NEWNS, "ns/mnt"},  {CLONE_NEWUSER, "ns/user"}};
constexpr int kCount = sizeof(kKinds) / sizeof(kKinds[0]);

// The process's directory in /proc, which must be our own pid namespace's. Asked after it was opened whether the
// process still lives: then the directory was its.
Outcome OpenDirectory(Context& context, int process, UniqueFd* out) {
  int pid;
  TSRUNC_TRY(sys::process_detail::PidOf(process, &pid));
  sys::Text<16> name;
  name.AddNumber(static_cast<uint64_t>(pid));
  Outcome opened = sys::OpenAt(context.proc.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!opened.ok()) return opened;
  out->reset(static_cast<int>(opened.value));
  return sys::HasEnded(process) ? Fail(ESRCH, sys::Call::k_setns) : Ok();
}

// A user namespace gives rights in the namespaces that are its, and takes those in all others: what can be joined
// without it is joined before, the rest after.
Outcome JoinOpened(UniqueFd (&files)[kCount]) {
  Outcome failed = Ok();
  for (int round = 0; round < 2; round++) {
    failed = Ok();
    for (int i = 0; i < kCount; i++) {
      if (!files[i].valid()) continue;
      Outcome joined = sys::Setns(files[i].get(), static_cast<int>(kKinds[i].flag));
      if (joined.ok()) files[i].reset();
      else if (failed.ok()) failed = joined;
    }
  }
  return failed;
}

Outcome JoinByFile(int directory, uint64_t flags) {
  UniqueFd files[kCount];
  for (int i = 0; i < kCount; i++) {
    if ((flags & kKinds[i].flag) == 0) continue;
    Outcome opened = sys::OpenAt(directory, kKinds[i].file, O_RDONLY | O_CLOEXEC);
    if (!opened.ok()) return opened;
    files[i].reset(static_cast<int>(opened.value));
  }
  return JoinOpened(files);
}

}  // namespace

// All at once and by pidfd, Linux 5.8; before, setns(2) takes the files of namespaces alone (EINVAL).
Outcome JoinNamespaces(Context& context, int process, uint64_t flags) {
  if (sys::IsProcDirectory(process)) return JoinByFile(process, flags);
  Outcome joined = sys::Setns(process, static_cast<int>(flags));
  if (joined.err() != EINVAL) return joined;
  UniqueFd directory;
  if (!OpenDirectory(context, process, &directory).ok()) return joined;
  return JoinByFile(directory.get(), flags);
}

}  // namespace tsrunc::init
