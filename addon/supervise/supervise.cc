// The foreground wait; see supervise.h.
#include "supervise.h"

#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include <asm/termbits.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/wait.h>

#include "../sys/calls.h"
#include "../sys/fd.h"
#include "signals.h"

namespace tsrunc::supervise {
namespace {

using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

// The only state that a signal handler may touch.
int g_signal_pipe = -1;

void OnSignal(int signal) {
  auto number = static_cast<unsigned char>(signal);
  (void)sys::Raw(__NR_write, g_signal_pipe, sys::Arg(&number), 1);  // a full pipe means that enough signals are waiting
}

struct KernelAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  uint64_t mask;
};

#if defined(__x86_64__)
asm(".text\n.globl tsrunc_signal_return\n.hidden tsrunc_signal_return\n.type tsrunc_signal_return,@function\n"
    "tsrunc_signal_return:\n\tmov $15, %eax\n\tsyscall\n");
extern "C" void tsrunc_signal_return();
constexpr unsigned long kActionFlags = 0x04000000 | 0x10000000;  // SA_RESTORER | SA_RESTART
#else
extern "C" {
static void tsrunc_signal_return() {}
}
constexpr unsigned long kActionFlags = 0x10000000;
#endif

// The reading end of what the handler writes.
int g_signals_waiting = -1;

void Catch(int signal) {
  KernelAction action = {OnSignal, kActionFlags, tsrunc_signal_return, 0};
  (void)sys::Raw(__NR_rt_sigaction, signal, sys::Arg(&action), 0, 8);
}

// The next signal that has come, or 0.
int NextSignal() {
  unsigned char number;
  return sys::Read(g_signals_waiting, &number, 1).value == 1 ? number : 0;
}

// Our own terminal in raw mode for as long as this lives.
class RawMode {
 public:
  void Enter() {
    if (!sys::Ioctl(0, TCGETS, sys::Arg(&saved_)).ok()) return;  // standard input is no terminal
    termios raw = saved_;
    // What cfmakeraw(3) does.
    raw.c_iflag &= ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag = (raw.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    is_raw_ = sys::Ioctl(0, TCSETS, sys::Arg(&raw)).ok();
  }
  ~RawMode() {
    if (is_raw_) (void)sys::Ioctl(0, TCSETS, sys::Arg(&saved_));
  }

 private:
  termios saved_;
  bool is_raw_ = false;
};

// Bytes on their way in one direction. Reads only when empty, so a slow side slows the other and nothing grows.
class Stream {
 public:
  Stream(int from, int to) : from_(from), to_(to) {}
  bool is_open() const { return open_; }
  bool WantsRead() const { return open_ && size_ == 0; }
  bool WantsWrite() const { return size_ > 0; }
  void ReadSome() {
    Outcome read = sys::Read(from_, buffer_, sizeof(buffer_));
    if (read.err() == EAGAIN) return;
    if (read.value <= 0) open_ = false;  // end of file; EIO once the last holder of a terminal is gone
    else size_ = static_cast<size_t>(read.value);
    sent_ = 0;
  }
  void WriteSome() {
    Outcome written = sys::Write(to_, buffer_ + sent_, size_ - sent_);
    if (written.err() == EAGAIN) return;
    if (!written.ok()) {  // nobody reads any more: what is left is dropped, the process goes on
      size_ = 0;
      return;
    }
    sent_ += static_cast<size_t>(written.value);
    if (sent_ == size_) size_ = 0;
  }

 private:
  int from_, to_;
  bool open_ = true;
  size_t size_ = 0, sent_ = 0;
  char buffer_[8192];
};

void CopyWindowSize(int terminal) {
  unsigned short size[4];
  for (int stream = 0; stream < 3; stream++) {
    if (!sys::Ioctl(stream, TIOCGWINSZ, sys::Arg(size)).ok()) continue;
    (void)sys::Ioctl(terminal, TIOCSWINSZ, sys::Arg(size));  // a size of our own stays if this fails
    return;
  }
}

// What has become of the awaited process.
enum class Found { kNothing, kEnded, kNoChild };

// Reaps every child that has ended. kNoChild: there is nobody left to wait for.
Found Reap(int pid, int* status) {
  for (;;) {
    int ended;
    Outcome waited = sys::Wait4(-1, &ended, WNOHANG);
    if (waited.value == pid) {
      *status = ended;
      return Found::kEnded;
    }
    if (waited.err() == ECHILD) return Found::kNoChild;
    if (waited.value <= 0) return Found::kNothing;
  }
}

// Hands READY on, once. A manager that cannot be told is no reason to leave the container alone.
void HearReadiness(Notify* notify, const pollfd& polled) {
  if ((polled.revents & POLLIN) == 0) return;
  Outcome forwarded = ForwardReady(*notify);
  if (!forwarded.ok() || forwarded.value == 1) notify->socket = -1;
}

Outcome SuperviseWithout(int pid, Notify notify) {
  int status;
  for (Found found; (found = Reap(pid, &status)) != Found::kEnded;) {
    if (found == Found::kNoChild) return sys::Fail(ECHILD, sys::Call::k_wait4);
    pollfd waiting[] = {{g_signals_waiting, POLLIN, 0}, {notify.socket, POLLIN, 0}};
    (void)sys::Poll(waiting, 2, -1);  // EINTR is as good as a wake-up
    HearReadiness(&notify, waiting[1]);
    while (int signal = NextSignal())
      if (signal != SIGCHLD) (void)sys::Kill(pid, signal);  // ESRCH: it has just ended
  }
  return Ok(status);
}

Outcome SuperviseTerminal(int pid, int terminal, Notify notify) {
  RawMode raw;
  raw.Enter();
  CopyWindowSize(terminal);
  Outcome flags = sys::Fcntl(terminal, F_GETFL, 0);
  if (flags.ok()) (void)sys::Fcntl(terminal, F_SETFL, flags.value | O_NONBLOCK);
  Stream in(0, terminal), out(terminal, 1);
  int status = 0;
  Found found = Reap(pid, &status);
  bool has_ended = found == Found::kEnded;
  // After the end, what the terminal still holds is carried out: until EIO, or until nothing comes for a tenth of a
  // second, or for so many rounds (a process that outlived its init may go on writing), or until a signal. The pid is
  // nobody's then.
  int rounds = 1000;
  while (!has_ended || out.is_open() || out.WantsWrite()) {
    pollfd waiting[] = {{g_signals_waiting, POLLIN, 0},
                        {!has_ended && in.WantsRead() ? 0 : -1, POLLIN, 0},
                        {in.WantsWrite() || out.WantsRead() ? terminal : -1, 0, 0},
                        {out.WantsWrite() ? 1 : -1, POLLOUT, 0},
                        {notify.socket, POLLIN, 0}};
    waiting[2].events = static_cast<short>((in.WantsWrite() ? POLLOUT : 0) | (out.WantsRead() ? POLLIN : 0));
    Outcome ready = sys::Poll(waiting, 5, has_ended ? 100 : -1);
    if (has_ended && (ready.value == 0 || --rounds == 0)) break;
    while (int signal = NextSignal()) {
      if (signal == SIGWINCH) CopyWindowSize(terminal);
      else if (signal != SIGCHLD) (void)sys::Kill(pid, signal);
    }
    HearReadiness(&notify, waiting[4]);
    if ((waiting[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) in.ReadSome();
    if ((waiting[2].revents & POLLOUT) != 0) in.WriteSome();
    if (out.WantsRead() && (waiting[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) out.ReadSome();
    if (out.WantsWrite()) out.WriteSome();
    if (!has_ended) found = Reap(pid, &status);
    if (found == Found::kNoChild && !has_ended) return sys::Fail(ECHILD, sys::Call::k_wait4);
    has_ended = has_ended || found == Found::kEnded;
    if (!has_ended && !out.is_open() && !in.WantsRead() && !in.WantsWrite()) {
      // The container has closed its terminal and lives on.
      Outcome ended = SuperviseWithout(pid, notify);
      return ended;
    }
  }
  return Ok(status);
}

}  // namespace

Outcome HoldSignals() {
  if (g_signals_waiting >= 0) return Ok();
  int ends[2];
  TSRUNC_TRY(sys::Pipe2(ends, O_NONBLOCK | O_CLOEXEC));
  g_signals_waiting = ends[0];
  g_signal_pipe = ends[1];
  for (int signal = 1; signal <= kSignals; signal++)
    if (IsForwarded(signal)) Catch(signal);
  return Ok();
}

Outcome Supervise(const Options& options) {
  TSRUNC_TRY(HoldSignals());
  Catch(SIGCHLD);
  if (options.terminal < 0) return SuperviseWithout(options.pid, options.notify);
  return SuperviseTerminal(options.pid, options.terminal, options.notify);
}

}  // namespace tsrunc::supervise
