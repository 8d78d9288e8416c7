// Becoming the helper; see launch.h.
#include "launch.h"

#include <linux/close_range.h>
#include <linux/fcntl.h>

#include "../sys/calls.h"
#include "../sys/text.h"

namespace tsrunc::launch {

namespace {

// The soft limit of open files out of the way for as long as this lives: descriptors are numbered beyond it.
class MoreFiles {
 public:
  MoreFiles() {
    is_known_ = sys::Raw(__NR_prlimit64, 0, kNoFile, 0, sys::Arg(&before_)) == 0;
    Limits more = {before_.hard, before_.hard};
    if (is_known_) (void)sys::Raw(__NR_prlimit64, 0, kNoFile, sys::Arg(&more), 0);
  }
  ~MoreFiles() {
    if (is_known_) (void)sys::Raw(__NR_prlimit64, 0, kNoFile, sys::Arg(&before_), 0);
  }

 private:
  static constexpr int kNoFile = 7;  // RLIMIT_NOFILE
  struct Limits {
    uint64_t soft = 0, hard = 0;
  } before_;
  bool is_known_ = false;
};

// Every descriptor at the number that it is to have; the value is the helper's.
sys::Outcome TakeDescriptors(Launch* launch) {
  MoreFiles more;
  const int first_fd = launch->first_fd();
  // Out of the way of the numbers that they, and the preserved ones, are to have.
  int end = first_fd + launch->ours_count;
  sys::Outcome helper = sys::Fcntl(launch->helper, F_DUPFD_CLOEXEC, end);
  if (!helper.ok()) return helper;
  for (int i = 0; i < launch->ours_count; i++) {
    sys::Outcome moved = sys::Fcntl(launch->ours[i], F_DUPFD_CLOEXEC, end);
    if (!moved.ok()) return moved;
    launch->ours[i] = static_cast<int>(moved.value);
  }
  // Those of the caller that are not to go along, and our own between them.
  int next = 0;
  for (int fd = 0; fd < first_fd; fd++) {
    bool is_preserved = next < launch->preserved_count && launch->preserved[next] == fd;
    if (is_preserved) next++;
    if (fd < 3 || is_preserved) (void)sys::Fcntl(fd, F_SETFD, 0);  // EBADF: a hole, which callers may leave
    else (void)sys::Raw(__NR_close, fd);
  }
  int place = first_fd;
  for (int i = 0; i < launch->ours_count; i++) {
    sys::Outcome placed = sys::Dup3(launch->ours[i], place++, 0);
    if (!placed.ok()) return placed;
  }
  // The rest is nobody's. Before Linux 5.11 the helper does this itself.
  (void)sys::CloseRange(static_cast<unsigned>(place), ~0u, CLOSE_RANGE_CLOEXEC);
  return helper;
}

}  // namespace

int BecomeHelper(Launch* launch) {
  sys::Outcome helper = TakeDescriptors(launch);
  if (!helper.ok()) return launch->failed = helper.err();
  sys::Text<16> number;
  number.AddNumber(static_cast<uint64_t>(launch->first_fd()));
  const char* const argv[] = {"tsrunc-init", number.c_str(), launch->is_init ? "init" : nullptr, nullptr};
  const char* const none[] = {nullptr};
  long environment = launch->environment != nullptr ? sys::Arg(launch->environment) : sys::Arg(none);
  long result = sys::Raw(__NR_execveat, helper.value, sys::Arg(""), sys::Arg(argv), environment, AT_EMPTY_PATH);
  return launch->failed = static_cast<int>(-result);
}

}  // namespace tsrunc::launch
