// Becoming the helper; see launch.h.
#include "launch.h"

#include <linux/close_range.h>
#include <linux/fcntl.h>

#include "../sys/calls.h"
#include "../sys/text.h"

namespace tsrunc::launch {

int BecomeHelper(Launch* launch) {
  const int first_fd = launch->first_fd();
  // Out of the way of the numbers that they, and the preserved ones, are to have.
  int end = first_fd + launch->ours_count;
  sys::Outcome helper = sys::Fcntl(launch->helper, F_DUPFD_CLOEXEC, end);
  if (!helper.ok()) return launch->failed = helper.err();
  for (int i = 0; i < launch->ours_count; i++) {
    sys::Outcome moved = sys::Fcntl(launch->ours[i], F_DUPFD_CLOEXEC, end);
    if (!moved.ok()) return launch->failed = moved.err();
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
    if (!placed.ok()) return launch->failed = placed.err();
  }
  // The rest is nobody's. Before Linux 5.11 the helper does this itself.
  (void)sys::CloseRange(static_cast<unsigned>(place), ~0u, CLOSE_RANGE_CLOEXEC);
  sys::Text<16> number;
  number.AddNumber(static_cast<uint64_t>(first_fd));
  const char* const argv[] = {"tsrunc-init", number.c_str(), launch->is_init ? "init" : nullptr, nullptr};
  const char* const environment[] = {nullptr};
  long result =
      sys::Raw(__NR_execveat, helper.value, sys::Arg(""), sys::Arg(argv), sys::Arg(environment), AT_EMPTY_PATH);
  return launch->failed = static_cast<int>(-result);
}

}  // namespace tsrunc::launch
