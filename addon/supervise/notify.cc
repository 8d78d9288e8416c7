// Forwarding of READY; see notify.h.
#include "notify.h"

#include <asm/poll.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/net.h>

#include "../init/report.h"
#include "../sys/calls.h"
#include "../sys/fd.h"
#include "../sys/process.h"
#include "../sys/text.h"
#include "../sys/unix.h"

namespace tsrunc::supervise {
namespace {

using sys::Call;
using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

constexpr int kDontWait = 0x40;                          // MSG_DONTWAIT
constexpr int kBarrierWait = 30 * 1000, kAskAgain = 50;  // milliseconds

// The line of the datagram that begins with READY=, or one of no length.
struct Line {
  const char* begin;
  size_t size;
};
Line FindReady(const char* text, size_t size) {
  for (size_t start = 0; start < size;) {
    size_t end = start;
    while (end < size && text[end] != '\n') end++;
    if (end - start > 6 && sys::StartsWith(text + start, "READY=")) return {text + start, end - start};
    start = end + 1;
  }
  return {nullptr, 0};
}

// The manager closes its copy of the descriptor once it has read everything before, sd_notify_barrier(3).
Outcome Barrier(int manager) {
  int ends[2];
  TSRUNC_TRY(sys::Pipe2(ends, O_CLOEXEC));
  UniqueFd reader(ends[0]), writer(ends[1]);
  TSRUNC_TRY(init::SendDescriptor(manager, "BARRIER=1", writer.get()));
  writer.reset();
  pollfd waiting = {reader.get(), 0, 0};
  return sys::Poll(&waiting, 1, kBarrierWait);
}

}  // namespace

Outcome ForwardReady(const Notify& notify) {
  char said[4096 + 1];
  Outcome read = sys::Recv(notify.socket, said, sizeof(said) - 1, kDontWait);
  if (!read.ok()) return read.err() == EAGAIN ? Ok(0) : read;
  said[read.value] = '\0';
  Line ready = FindReady(said, static_cast<size_t>(read.value));
  if (ready.size == 0) return Ok(0);
  UniqueFd manager;
  TSRUNC_TRY(sys::ConnectUnix(notify.host, sys::kDatagram, true, &manager));
  TSRUNC_TRY(sys::Write(manager.get(), ready.begin, ready.size));
  if (notify.main_pid > 0) {
    sys::Text<32> pid;
    pid.Add("MAINPID=").AddNumber(static_cast<uint64_t>(notify.main_pid));
    TSRUNC_TRY(sys::Write(manager.get(), pid.c_str(), pid.size()));
  }
  if (notify.has_barrier) (void)Barrier(manager.get());  // a manager that knows no barrier has still been told
  return Ok(1);
}

Outcome WaitForReady(const Notify& notify, int pidfd) {
  // A directory in /proc is always ready: it is asked from time to time.
  const bool is_polled = !sys::IsProcDirectory(pidfd);
  pollfd waiting[] = {{notify.socket, POLLIN, 0}, {is_polled ? pidfd : -1, POLLIN, 0}};
  for (;;) {
    Outcome polled = sys::Poll(waiting, 2, is_polled ? -1 : kAskAgain);
    if (polled.err() == EINTR) continue;
    if (!polled.ok()) return polled;
    const bool has_said = (waiting[0].revents & POLLIN) != 0;
    if (!has_said && sys::HasEnded(pidfd)) return Ok(0);
    if (!has_said) continue;
    Outcome forwarded = ForwardReady(notify);
    if (!forwarded.ok() || forwarded.value == 1) return forwarded;
  }
}

}  // namespace tsrunc::supervise
